// The `kaniko` command as a process in a folder of its own, with a builder that writes down how it was called.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BUILDER_COMMAND } from "../../../shared/adapters/pools/builder.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
export const BUILDER = join(ROOT, "test/fixtures/programs/builder.mjs");
const SIDECAR = join(ROOT, "worker/image/kaniko/sidecar.sh");

export const REFUSED = 2;
/** The seed's example, with two tags. */
export const SEED = [
  "--dockerfile=./Dockerfile",
  "--context=.",
  "--destination=docker.io/acme/image:1",
  "--destination=docker.io/acme/image:latest",
  "--cache=true",
];
export const IN_PLACE = {
  KANIKO_BACKEND: "executor",
  KANIKO_EXECUTOR_IN_PLACE: "1",
  KANIKO_EXECUTOR: BUILDER,
};

type Ended = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when the builder was not started. */
  readonly record: BuilderRecord | undefined;
};

type BuilderRecord = {
  readonly args: readonly string[];
  readonly DOCKER_CONFIG?: string;
  readonly config?: string;
};

export type Workspace = {
  readonly folder: string;
  readonly dockerConfig: string;
  start(args: readonly string[], env?: { readonly [name: string]: string }, uid?: number): Started;
  /** The other end of the sidecar back end, as a process. */
  sidecar(env?: { readonly [name: string]: string }): ChildProcess;
  /** The same as the pools start it: it waits for the script. */
  waitingSidecar(): ChildProcess;
  read(name: string): string | undefined;
  [Symbol.asyncDispose](): Promise<void>;
};

type Started = {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<Ended>;
};

/** Has a Dockerfile, and credentials where the seed's example puts them. */
export function createWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), "npd-kaniko-"));
  const [record, dockerConfig] = [join(folder, "record.json"), join(folder, "kaniko-docker")];
  mkdirSync(dockerConfig);
  writeFileSync(join(dockerConfig, "config.json"), '{"auths":{}}');
  writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
  const children: ChildProcess[] = [];
  const groups: number[] = [];
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    TEST_RECORD: record,
    KANIKO_SIDECAR_SCRIPT: SIDECAR,
  };
  const read = (name: string) => {
    const path = resolve(folder, name);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  };
  const startSidecar = (args: readonly string[], env: { readonly [name: string]: string }) => {
    const child = spawn("sh", [...args], {
      env: { ...environment, KANIKO_SIDECAR_DIR: folder, KANIKO_EXECUTOR: BUILDER, ...env },
      stdio: "ignore",
      // Killed alone, it leaves its executor behind.
      detached: true,
    });
    children.push(child);
    groups.push(child.pid ?? 0);
    return child;
  };
  return {
    folder,
    dockerConfig,
    read,
    start(args, env = {}, uid = undefined) {
      const child = spawn(process.execPath, [join(ROOT, "worker/kaniko.ts"), ...args], {
        cwd: folder,
        env: { ...environment, KANIKO_DOCKER_DIR: dockerConfig, ...env },
        ...(uid !== undefined && { uid, gid: uid }),
      });
      children.push(child);
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      const ended = new Promise<Ended>((done) => {
        child.once("close", (code) => {
          const text = read("record.json");
          done({ code, stdout, stderr, record: text === undefined ? undefined : JSON.parse(text) });
        });
      });
      return { child, output: () => stdout + stderr, ended };
    },
    sidecar: (env = {}) => startSidecar([SIDECAR], env),
    waitingSidecar: () => startSidecar(BUILDER_COMMAND.slice(1), {}),
    async [Symbol.asyncDispose]() {
      const living = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      const closed = living.map((child) => new Promise((done) => child.once("close", done)));
      for (const child of living) child.kill("SIGKILL");
      for (const group of groups) killGroup(group);
      await Promise.all(closed);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Accepts connections as buildkitd would. */
export async function startDaemon() {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  return {
    env: { BUILDKIT_HOST: `tcp://127.0.0.1:${port}`, KANIKO_BUILDCTL: BUILDER },
    [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())),
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
