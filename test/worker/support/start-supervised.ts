// The programs of the worker image in a temporary folder, started as its container starts them: supervisor, worker, runner.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundle, SUPERVISOR, WORKER } from "../../../scripts/build/bundle.ts";
import { asUser } from "../../../worker/runner/runner-user.ts";
import { processesOf } from "../../../worker/supervisor/kill-user.ts";
import type { DispatcherStub } from "./dispatcher-stub.ts";
import { workerEnvironment } from "./start-worker.ts";
import { WITHOUT_ROOT } from "./without-users.ts";

const PROGRAMS = resolve(import.meta.dirname, "../../fixtures/programs");
/** Of this test process alone: another one's processes are not ours to find, or to kill. */
const RUNNER_UID = 200_000 + (process.pid % 100_000) * 2;
const WORKER_UID = RUNNER_UID + 1;

export const RUNNER = { uid: RUNNER_UID, gid: RUNNER_UID, name: undefined, home: undefined };
/** Puts a program into a container's place: the first process of its own numbering, with which all others end. */
export const OWN_PIDS = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
export const WITHOUT_PIDS =
  WITHOUT_ROOT ??
  (spawnSync(OWN_PIDS[0] ?? "", [...OWN_PIDS.slice(1), "true"]).status === 0
    ? undefined
    : "this machine lets even root make no PID namespace");

export type Image = { readonly folder: string; readonly node: string; [Symbol.dispose](): void };

/** One for all tests of a file: building it takes longer than a test. */
export async function stageImage(): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), "npd-image-"));
  chmodSync(folder, 0o755);
  for (const target of [WORKER, SUPERVISOR]) await bundle(target, join(folder, "dist"));
  renameSync(join(folder, "dist/worker/main.mjs"), join(folder, "dist/worker/worker.mjs"));
  const node = reachableNode(folder);
  return { folder, node, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export type SupervisedOptions = {
  /** Of test/fixtures/programs; becomes run.sh. */
  readonly run: string;
  readonly env?: { readonly [name: string]: string };
  /** Before the program, e.g. `unshare`. */
  readonly wrapper?: readonly string[];
  /** Of the supervisor itself; root when left out. */
  readonly uid?: number;
  readonly prepare?: (paths: { readonly home: string; readonly workDir: string }) => void;
};

export type Supervised = {
  readonly child: ChildProcess;
  readonly home: string;
  readonly workDir: string;
  output(): string;
  /** A file of the runner's folder. */
  file(name: string): string | undefined;
  /** Living processes of the runner's user. */
  left(): readonly number[];
  /** The process of the worker itself. */
  workerPid(): number | undefined;
  readonly exit: Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

export function startSupervised(
  image: Image,
  dispatcher: DispatcherStub,
  options: SupervisedOptions,
): Supervised {
  const folder = mkdtempSync(join(tmpdir(), "npd-supervised-"));
  chmodSync(folder, 0o755);
  const [home, workDir] = [join(folder, "runner"), join(folder, "worker")];
  mkdirSync(home);
  mkdirSync(workDir);
  copyFileSync(join(PROGRAMS, "config-ok.sh"), join(home, "config.sh"));
  copyFileSync(join(PROGRAMS, options.run), join(home, "run.sh"));
  chownSync(home, options.uid ?? RUNNER_UID, options.uid ?? RUNNER_UID);
  if (options.uid !== undefined) chownSync(workDir, options.uid, options.uid);
  options.prepare?.({ home, workDir });
  const dist = join(image.folder, "dist");
  const [supervisor, worker] = [join(dist, "supervisor/supervisor.mjs"), join(dist, "worker/worker.mjs")];
  const [program = "", ...args] = [...(options.wrapper ?? []), image.node, supervisor, worker];
  const child = spawn(program, args, {
    cwd: workDir,
    env: {
      ...workerEnvironment(dispatcher.url),
      RUNNER_HOME: home,
      WORKER_DIR: workDir,
      WORKER_USER: `${WORKER_UID}:${WORKER_UID}`,
      RUNNER_USER: `${RUNNER_UID}:${RUNNER_UID}`,
      ...options.env,
    },
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const exit = new Promise<number | null>((done) => child.once("exit", done));
  return {
    child,
    home,
    workDir,
    output: () => output,
    file: (name) => (existsSync(join(home, name)) ? readFileSync(join(home, name), "utf8") : undefined),
    left: () => processesOf(RUNNER_UID),
    workerPid: () => processesOf(WORKER_UID)[0],
    exit,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
      for (const pid of [...processesOf(RUNNER_UID), ...processesOf(WORKER_UID)])
        process.kill(pid, "SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The worker's user must be able to run it: a copy where it is in somebody's home. */
function reachableNode(folder: string): string {
  const { program, args } = asUser({ program: process.execPath, args: ["--version"] }, RUNNER);
  if (spawnSync(program, args).status === 0) return process.execPath;
  const copy = join(folder, "node");
  copyFileSync(process.execPath, copy, constants.COPYFILE_FICLONE);
  return copy;
}
