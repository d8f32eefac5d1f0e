// A container beside this one builds. Both see one folder, and talk by files in it: worker/image/kaniko/sidecar.sh is the
// other end.
//
//   <folder>/.kaniko/sidecar.sh         the other end itself, for a container that waits for it
//                   /<id>/arguments     one argument of the executor a line
//                        /docker/       its DOCKER_CONFIG
//                        /request       complete: begin
//                        /alive         touched by the sidecar once it has begun, and every second
//                        /log           the executor's output
//                        /cancel        end it: the signal's name
//                        /exit          its exit code
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backend } from "./choose-backend.ts";
import { readLogins } from "./docker-config.ts";
import { createTail, explainFailure } from "./explain-failure.ts";
import { BuildFault } from "./fault.ts";
import { requestsFolder, sidecarRequest } from "./sidecar-request.ts";
import type { Build } from "./types.ts";

type Sidecar = Extract<Backend, { readonly type: "sidecar" }>;

/** The log comes at this pace; a look costs two file reads. */
const LOOK_MS = 200;
/** Waits in a row without a touch: with the default, 60 missed ones. Out of memory, or stopped with its node. */
const SILENT_WAITS = 2;

export async function runSidecar(backend: Sidecar, build: Build): Promise<number> {
  const request = sidecarRequest(build.options, build.sources, backend.folder);
  if (!request.ok) throw new BuildFault(request.fault);
  const folder = join(requestsFolder(backend.folder), randomUUID());
  await makeFolder(folder, backend);
  const stop = build.deps.onSignal((signal) => cancel(folder, signal, build));
  try {
    await placeScript(requestsFolder(backend.folder), build.env);
    await hand(folder, request.text, build.config);
    return await follow(folder, backend, build);
  } finally {
    stop();
    // Credentials lie in there.
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder(folder: string, backend: Sidecar): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BuildFault(
      `the folder of the sidecar cannot be written: ${why}. Mount ${backend.folder} (KANIKO_SIDECAR_DIR) into this container, writable for the runner's user.`,
      { cause: error },
    );
  }
}

/** Renamed when it is whole: the sidecar looks for it every second. */
async function placeScript(requests: string, env: Build["env"]): Promise<void> {
  const own = env["KANIKO_SIDECAR_SCRIPT"] || join(import.meta.dirname, "sidecar.sh");
  const copy = join(requests, `${randomUUID()}.sh`);
  await copyFile(own, copy);
  await rename(copy, join(requests, "sidecar.sh"));
}

async function hand(folder: string, text: string, config: string | undefined): Promise<void> {
  await writeFile(join(folder, "arguments"), text);
  await mkdir(join(folder, "docker"));
  const logins = config && (await readLogins(config));
  if (logins !== undefined) {
    await writeFile(join(folder, "docker", "config.json"), logins, { mode: 0o600 });
  }
  await writeFile(join(folder, "request"), "");
}

/** Synchronous for the caller: a signal's handler cannot wait. */
function cancel(folder: string, signal: NodeJS.Signals, { deps }: Build): void {
  writeFile(join(folder, "cancel"), `${signal.replace(/^SIG/, "")}\n`).catch((error: unknown) =>
    deps.complain(`the sidecar could not be told of ${signal}: ${String(error)}`),
  );
}

async function follow(folder: string, backend: Sidecar, build: Build): Promise<number> {
  const log = createLogReader(join(folder, "log"), build);
  const startedAt = performance.now();
  let seen = { at: startedAt, touchedAt: 0 };
  for (;;) {
    const code = await readIfThere(join(folder, "exit"));
    await log.read();
    if (code?.endsWith("\n")) return ended(Number(code), log.tail(), build);
    const touchedAt = await touched(join(folder, "alive"));
    if (touchedAt !== seen.touchedAt) seen = { at: performance.now(), touchedAt };
    checkLiving(seen, performance.now() - startedAt, backend);
    await sleep(LOOK_MS);
  }
}

function ended(code: number, tail: string, { deps }: Build): number {
  const why = code === 0 ? undefined : explainFailure(tail);
  if (why !== undefined) deps.complain(why);
  return code;
}

function checkLiving(seen: { at: number; touchedAt: number }, waitedMs: number, backend: Sidecar): void {
  if (seen.touchedAt === 0 && waitedMs > backend.waitMs) {
    throw new BuildFault(
      `no sidecar took the build within ${backend.waitMs / 1_000} s. Is there a container with kaniko that runs sidecar.sh on ${backend.folder}?`,
    );
  }
  if (seen.touchedAt !== 0 && performance.now() - seen.at > SILENT_WAITS * backend.waitMs) {
    throw new BuildFault(
      `the sidecar has been silent for ${(SILENT_WAITS * backend.waitMs) / 1_000} s. It was stopped, perhaps for its memory: see its log.`,
    );
  }
}

function createLogReader(path: string, { deps }: Build) {
  let position = 0;
  const tail = createTail();
  return {
    tail: tail.text,
    /** Prints what has been added. */
    async read(): Promise<void> {
      if ((await touched(path)) === 0) return;
      await using file = await open(path, "r");
      const buffer = Buffer.alloc(65_536);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        const chunk = Uint8Array.from(buffer.subarray(0, bytesRead));
        tail.add(chunk);
        deps.print(chunk);
      }
    },
  };
}

/** 0: not there. */
async function touched(path: string): Promise<number> {
  const found = await stat(path).catch(orMissing);
  return found?.mtimeMs ?? 0;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(orMissing);
}

function orMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
