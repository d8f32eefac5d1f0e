// A builder as a child process: its output is ours, signals go to it, its end is ours.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { BuildFault } from "./fault.ts";
import type { Build } from "./types.ts";

/** Rejects with a BuildFault when the program cannot be started; `missing` says what to do when it is not there. */
export function runProgram(
  program: string,
  args: readonly string[],
  { env, deps }: Build,
  missing: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: deps.cwd,
      env: { ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const stop = deps.onSignal((signal) => child.kill(signal));
    child.once("error", (error: NodeJS.ErrnoException) => {
      stop();
      reject(startFault(program, error, missing));
    });
    child.once("exit", (code, signal) => {
      stop();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function startFault(program: string, error: NodeJS.ErrnoException, missing: string): Error {
  if (error.code === "ENOENT") return new BuildFault(`${program} is not in this container. ${missing}`);
  if (error.code === "EACCES") {
    return new BuildFault(
      `${program} may not be executed by this user. Make it executable for the runner's user.`,
    );
  }
  if (error.code === "E2BIG") {
    return new BuildFault(
      "the arguments are too long to be passed on. Put long values of --build-arg into files.",
    );
  }
  return new BuildFault(`${program} could not be started: ${error.message}.`, { cause: error });
}
