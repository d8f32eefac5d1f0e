// A real worker process in a temporary folder, with a runner made of the tiny programs of test/fixtures/programs.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { removeFolder } from "../../../shared/adapters/system/empty-folder.ts";
import { type DispatcherStub, TOKEN } from "./dispatcher-stub.ts";

export type StartedWorker = {
  readonly child: ChildProcess;
  readonly workDir: string;
  readonly runnerHome: string;
  /** Everything it wrote to stdout and stderr. */
  output(): string;
  /** A file of the runner's folder, undefined when there is none. */
  file(name: string): string | undefined;
  result(): unknown;
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type WorkerOptions = {
  readonly config?: string;
  readonly run?: string;
  readonly env?: { readonly [name: string]: string };
  /** Instead of worker/main.ts, e.g. its bundle. */
  readonly entry?: string;
};

/** Then their runner is to run so too. */
const IS_ROOT = process.getuid?.() === 0;
const ROOT = resolve(import.meta.dirname, "../../..");
const PROGRAMS = join(ROOT, "test/fixtures/programs");

export function startWorker(dispatcher: DispatcherStub, options: WorkerOptions = {}): StartedWorker {
  const folder = mkdtempSync(join(tmpdir(), "npd-worker-"));
  const [runnerHome, workDir] = [join(folder, "runner-home"), join(folder, "work")];
  for (const path of [runnerHome, workDir]) mkdirSync(path);
  // Another user must be able to come here.
  chmodSync(folder, 0o755);
  copyFileSync(join(PROGRAMS, options.config ?? "config-ok.sh"), join(runnerHome, "config.sh"));
  copyFileSync(join(PROGRAMS, options.run ?? "run-one-job.sh"), join(runnerHome, "run.sh"));
  const child = spawn(process.execPath, [options.entry ?? join(ROOT, "worker/main.ts")], {
    cwd: workDir,
    env: {
      ...workerEnvironment(dispatcher.url),
      RUNNER_HOME: runnerHome,
      WORKER_DIR: workDir,
      ...(IS_ROOT && options.env?.["RUNNER_USER"] === undefined && { RUNNER_ALLOW_RUNASROOT: "1" }),
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once("close", (code, signal) => done({ code, signal }));
  });
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
  return {
    child,
    workDir,
    runnerHome,
    output: () => output,
    file: (name) => read(join(runnerHome, name)),
    result: () => JSON.parse(read(join(workDir, "result.json")) ?? "null"),
    exit,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
      await removeFolder(folder);
    },
  };
}

export function workerEnvironment(url: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: "/tmp",
    LANG: "C.UTF-8",
    RUNPOD_WEBHOOK_GET_JOB: `${url}/v2/npu/job-take/$ID?gpu=NPU`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${url}/v2/npu/job-done/$RUNPOD_POD_ID/$ID?gpu=NPU`,
    RUNPOD_WEBHOOK_PING: `${url}/v2/npu/ping/$RUNPOD_POD_ID?gpu=NPU`,
    RUNPOD_AI_API_KEY: TOKEN,
    RUNPOD_POD_ID: "worker-1",
    RUNPOD_PING_INTERVAL: "100",
    RUNPOD_ENDPOINT_ID: "npu",
  };
}
