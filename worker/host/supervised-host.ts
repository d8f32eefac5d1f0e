// The worker's side of the pipe to its supervisor: the runner's programs and their end, by asking.
import type { Duplex } from "node:stream";
import { missingLibrary } from "../../shared/domain/missing-library.ts";
import type { WorkerClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import type { ProgramResult, RunProgram } from "../process/run-program.ts";
import { passedVariables } from "../runner/runner-env.ts";
import type { Cleaned, RunnerHost } from "../runner/runner-host.ts";
import type { ProcessEnd, ProcessSpec, RunnerProcess } from "../runner/runner-process.ts";
import type { RunnerUser } from "../runner/runner-user.ts";
import { encode, type Reply, type Request, replyReader } from "../supervisor/protocol.ts";

export type SupervisedHostDeps = {
  readonly user: RunnerUser;
  readonly channel: Duplex;
  readonly env: Environment;
  readonly clock: WorkerClock;
  /** Absolute; where short programs run. */
  readonly workDir: string;
  /** Without its supervisor a worker can neither start nor end anything. */
  readonly onLost: (message: string) => void;
};

/** What setpriv exits with when there is no such program, and a loader when a library of it is missing. */
const EXIT_NO_PROGRAM = 127;
/** As much as a program run without a supervisor may print. */
const LONGEST_OUTPUT = 256 * 1024;

export function createSupervisedHost(deps: SupervisedHostDeps): RunnerHost {
  const { user, channel, env, clock, workDir, onLost } = deps;
  const programs = new Map<number, { onLine: ProcessSpec["onLine"]; onEnd: (end: ProcessEnd) => void }>();
  const cleanings: ((cleaned: Cleaned) => void)[] = [];
  let last = 0;
  const onFault = () => onLost("The supervisor said what this worker does not understand.");
  channel.on("data", replyReader(hear, onFault));
  channel.on("error", (error) => onLost(`The supervisor cannot be reached: ${error.message}.`));
  channel.on("close", () => onLost("The supervisor is gone."));

  return {
    user,
    supervised: true,
    start,
    run: createRun(start, workDir, passedVariables(env), clock),
    clean,
  };

  function start({ command, cwd, env: variables, onLine }: ProcessSpec): RunnerProcess {
    last += 1;
    const id = last;
    const ended = new Promise<ProcessEnd>((onEnd) => programs.set(id, { onLine, onEnd }));
    ask({ type: "start", id, program: command.program, args: [...command.args], cwd, env: variables });
    return {
      interrupt: () => ask({ type: "signal", id, signal: "SIGINT" }),
      async kill() {
        if (!programs.has(id)) return;
        ask({ type: "signal", id, signal: "SIGKILL" });
        await within(KILL_MS, ended, clock);
      },
      ended,
    };
  }

  function clean(): Promise<Cleaned> {
    return new Promise((resolve) => {
      cleanings.push(resolve);
      ask({ type: "clean" });
    });
  }

  function ask(request: Request): void {
    channel.write(encode(request));
  }

  function hear(reply: Reply): void {
    switch (reply.type) {
      case "line":
        programs.get(reply.id)?.onLine(reply.line);
        break;
      case "ended": {
        const program = programs.get(reply.id);
        programs.delete(reply.id);
        program?.onEnd(fromWire(reply.end));
        break;
      }
      case "cleaned":
        cleanings.shift()?.(reply);
    }
  }
}

/** The supervisor's own limits for an end: the session, the user, the pipe. */
const KILL_MS = 6_000;

async function within(ms: number, ended: Promise<unknown>, clock: WorkerClock): Promise<void> {
  const done = new AbortController();
  await Promise.race([ended, clock.sleep(ms, done.signal)]);
  done.abort();
}

/** The same bounds as createProgramRunner's, by other means. */
function createRun(
  start: RunnerHost["start"],
  cwd: string,
  env: Record<string, string>,
  clock: WorkerClock,
): RunProgram {
  return async (program, args, timeoutMs, signal) => {
    let output = "";
    const onLine = (line: string) => {
      if (output.length < LONGEST_OUTPUT) output += `${line}\n`;
    };
    const running = start({ command: { program, args }, cwd, env, onLine, clock });
    const kill = () => void running.kill();
    signal?.addEventListener("abort", kill, { once: true });
    const done = new AbortController();
    const late = clock.sleep(timeoutMs, done.signal).then(() => "late" as const);
    const end = await Promise.race([running.ended, late]);
    done.abort();
    signal?.removeEventListener("abort", kill);
    if (end !== "late") return toResult(end, output);
    // Not waited for: a process in uninterruptible sleep outlives its KILL.
    kill();
    return { type: "timeout" };
  };
}

function toResult(end: ProcessEnd, output: string): ProgramResult {
  if (end.type === "not-started") return { type: "missing" };
  if (end.code === EXIT_NO_PROGRAM && missingLibrary(output) === undefined) return { type: "missing" };
  return { type: "exited", code: end.code, output };
}

function fromWire(end: Extract<Reply, { type: "ended" }>["end"]): ProcessEnd {
  if (end.type === "not-started") return { type: "not-started", error: new Error(end.message) };
  const { stragglers, undead } = end;
  return { type: "exited", code: end.code, signal: end.signal, stragglers, undead };
}
