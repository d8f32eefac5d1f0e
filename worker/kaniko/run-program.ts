// A builder as a child process: its output is ours, with a sentence on what it complains of, signals go to it, its end is
// ours.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createTail, explainFailure } from "./explain-failure.ts";
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
      stdio: ["ignore", "inherit", "pipe"],
    });
    const tail = createTail();
    // Both kinds of builder write their log there.
    child.stderr.on("data", (chunk: Uint8Array) => {
      tail.add(chunk);
      deps.printError(chunk);
    });
    const stop = deps.onSignal((signal) => child.kill(signal));
    child.once("error", (error: NodeJS.ErrnoException) => {
      stop();
      reject(startFault(program, error, missing));
    });
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      stop();
      const why = code === 0 ? undefined : explainFailure(tail.text());
      if (why !== undefined) deps.complain(why);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    };
    // Its last words may come after its end, and a process that a RUN left behind may keep the pipe open for ever.
    child.once("exit", (code, signal) => {
      const timer = setTimeout(() => {
        child.stderr.destroy();
        end(code, signal);
      }, LAST_WORDS_MS);
      child.once("close", () => {
        clearTimeout(timer);
        end(code, signal);
      });
    });
  });
}

const LAST_WORDS_MS = 1_000;

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
