// No secret in anything that is written: logs, files, the table, environments and command lines of every process.
// The control shows that the same search fails when the filter is taken out.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Session } from "./harness/session.ts";
import { startSession } from "./harness/session.ts";
import type { ServeOptions } from "./serve-process.ts";
import { until } from "./until.ts";

/** Planted where a secret could be: none of them may be found anywhere but where it was put. */
const PLANTED = {
  DISPATCH_SECRET: "planted-dispatch-secret-000000000000000000",
  AWS_SECRET_ACCESS_KEY: "planted-aws-secret-00000000000000000000000",
  GITHUB_TOKEN: "ghp_plantedGithubToken00000000000000000000",
  RUNPOD_API_KEY: "planted-runpod-api-key-0000000000000000000",
};

const ROOT = join(import.meta.dirname, "..", "..");
let session: Session | undefined;

afterEach(async () => {
  await session?.serve.dispose();
  session = undefined;
});

describe.each(["token", "jit"] as const)("registration: %s", (registration) => {
  test("no secret in logs, files, the table, or any process's environment and command line", async () => {
    expect(await leaksOf({ registration, env: PLANTED })).toEqual([]);
  });
});

test("control: without the allow-list of the runner's environment the same search finds the worker's token", async () => {
  const copy = await patchedCopy(
    "worker/runner/runner-env.ts",
    "passedVariables(env)",
    "(env as Record<string, string>)",
  );
  try {
    const leaks = await leaksOf({ registration: "token", env: PLANTED, root: copy });
    expect(leaks).toContainEqual(["the job's own output", "workerToken"]);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});

/** Runs one job that prints all it can see, then searches everything that was written. */
async function leaksOf(options: ServeOptions): Promise<[place: string, name: string][]> {
  session = await startSession(options);
  const { serve } = session;
  const id = session.queue(["env", "cat /proc/$$/environ | tr '\\0' '\\n'", "sleep 1"]);
  await session.running(id);
  const worker = await until("the worker's folder", () => workerFolders(serve.dataDir)[0]);
  const written = [
    ...processesOf(serve.dataDir).map(([name, text]) => [`process ${name}`, text] as const),
    ...filesBelow(worker).map((file) => [file, readFileSync(file, "latin1")] as const),
  ];
  await session.ended(id);
  await session.nothingLeft();
  written.push(["the server's output", serve.output()]);
  written.push(["the job's own output", serve.github.workflowJob(id).lines.join("\n")]);
  await serve.close();
  for (const file of filesBelow(serve.dataDir)) written.push([file, readFileSync(file, "latin1")]);
  expect(written.length).toBeGreaterThan(5);
  return findings(written, secretsOf(session)).filter(([place, name]) => !isAtHome(place, name));
}

/** The source tree with one expression of one file replaced. */
async function patchedCopy(file: string, from: string, to: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "npu-dispatch-patched-"));
  for (const part of ["functions", "shared", "worker", "scripts", "package.json"]) {
    await cp(join(ROOT, part), join(copy, part), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const source = readFileSync(join(copy, file), "utf8");
  const patched = source.replace(`...${from}`, `...${to}`);
  expect(patched).not.toBe(source);
  await writeFile(join(copy, file), patched);
  execFileSync(process.execPath, ["scripts/build.ts", "worker"], { cwd: copy });
  return copy;
}

type Written = readonly (readonly [place: string, text: string])[];

function secretsOf({ serve }: Session): { readonly [name: string]: string } {
  const key = serve.github.privateKey.split("\n").slice(3, 5).join("");
  return { ...PLANTED, webhookSecret: serve.github.webhookSecret, appPrivateKey: key };
}

/** Tokens are looked for by their shape too: those that GitHub made in this run are not known beforehand. */
const SHAPES = {
  installationToken: /ghs_\w{20}/,
  workerToken: /npudw1\.[\w-]{20}/,
  pem: /BEGIN RSA PRIVATE/,
};

function findings(
  written: Written,
  secrets: { readonly [name: string]: string },
): [place: string, name: string][] {
  return written.flatMap(([place, text]) => {
    const flat = text.replaceAll("\n", "");
    const literal = Object.entries(secrets).filter(([, secret]) => flat.includes(secret));
    const shaped = Object.entries(SHAPES).filter(([, shape]) => shape.test(text));
    return [...literal, ...shaped].map(([name]): [string, string] => [place, name]);
  });
}

/** A worker has its own token: RunPod's protocol gives it in the environment. Its runner and the job do not. */
function isAtHome(place: string, name: string): boolean {
  return name === "workerToken" && /^process worker /.test(place);
}

function workerFolders(dataDir: string): string[] {
  const folder = join(dataDir, "pools", "local", "workers");
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** Environment and command line of every process that belongs to a worker of this data folder. */
function processesOf(dataDir: string): [name: string, text: string][] {
  const mine: [string, string][] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const environ = readProc(pid, "environ");
    if (!environ.includes(dataDir)) continue;
    const command = readProc(pid, "cmdline").replaceAll("\0", " ");
    const kind = command.includes("worker/main.mjs") ? "worker" : "other";
    mine.push([`${kind} ${pid} ${command}`, `${environ}\n${command}`]);
  }
  return mine;
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // it has just ended
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).size < 5_000_000)
    .map((entry) => join(entry.parentPath, entry.name));
}
