// Runs a pod's container as a real process of this machine; no namespaces, so what would be its own is kept apart by
// folder and variable.
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { ContainerSpec, PodRunner, RunningContainer } from "./container.ts";

export type ProcessRunnerOptions = {
  /** A folder of its own. */
  readonly dir: string;
  /** Program and arguments of an image, where the pod names no command. */
  readonly entrypoint?: readonly string[];
  /** What the image would bring: PATH, the runner's home. */
  readonly env: { readonly [name: string]: string | undefined };
};

/** Carried by all that a container starts, as a PID namespace would hold it. */
const MARKER = "KUBERNETES_STAND_IN_POD";

export function createProcessRunner(options: ProcessRunnerOptions): PodRunner {
  return (container) => {
    const dir = join(options.dir, container.uid);
    mkdirSync(join(dir, "work"), { recursive: true });
    const resultPath = join(dir, "termination-log");
    // The kubelet makes it, for the container to write in place.
    writeFileSync(resultPath, "");
    return runProcess(container, { ...options, dir, resultPath });
  };
}

type Place = ProcessRunnerOptions & { readonly resultPath: string };

function runProcess(
  container: ContainerSpec,
  { dir, resultPath, entrypoint = [], env }: Place,
): RunningContainer {
  const [program = "", ...args] = container.command ?? entrypoint;
  const log = openSync(join(dir, "log"), "a");
  const own = Object.entries(container.env).map(([name, value]) => [
    name,
    value === container.resultPath ? resultPath : value,
  ]);
  const child = spawn(program, args, {
    cwd: join(dir, "work"),
    env: { ...env, WORKER_DIR: join(dir, "work"), ...Object.fromEntries(own), [MARKER]: container.uid },
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const ended = endOf(child).then((code) => {
    // The first process of a container takes the others with it.
    killAll(container.uid);
    return code;
  });
  return {
    ended,
    term: () => signal(child, "SIGTERM"),
    kill: () => signal(child, "SIGKILL"),
    log: () => readFileSync(join(dir, "log"), "utf8"),
    result: () => readFileSync(resultPath, "utf8"),
  };
}

/** 128: the program could not be executed, as container runtimes report it. */
function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(128));
    child.once("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  });
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) child.kill(name);
}

/** Living processes of a pod. */
export function processesOf(podUid: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && environOf(name).includes(`${MARKER}=${podUid}`))
    .map(Number);
}

function killAll(podUid: string): void {
  for (const pid of processesOf(podUid)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function environOf(pid: string): string[] {
  const path = `/proc/${pid}/environ`;
  try {
    return existsSync(path) ? readFileSync(path, "utf8").split("\0") : [];
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EACCES"].includes(code)) return [];
    throw error;
  }
}
