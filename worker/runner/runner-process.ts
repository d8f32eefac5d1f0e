// One program of the runner in a process group of its own: its lines out, one end, nothing of it left behind.
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { WorkerClock } from "../clock.ts";
import { createLineSplitter } from "../process/line-splitter.ts";
import { killGroup, killSession } from "../process/process-session.ts";
import type { Command } from "./runner-user.ts";

export type ProcessSpec = {
  readonly command: Command;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly onLine: (line: string) => void;
  /** When whoever gets the lines has room for more; undefined: it has. Until then the program's output waits, and so it. */
  readonly whenTaken?: (() => Promise<void> | undefined) | undefined;
  readonly clock: WorkerClock;
};

/** Ends what of a program left its session; `found` were alive, `left` of them would not die. */
export type Sweep = () => Promise<{ readonly found: number; readonly left: number }>;

export type ProcessEnd =
  /** `stragglers`: processes that outlived the program and were killed; `undead` of them would not die. */
  | {
      readonly type: "exited";
      readonly code: number | undefined;
      readonly signal: string | undefined;
      readonly stragglers: number;
      readonly undead: number;
    }
  | { readonly type: "not-started"; readonly error: Error };

export type RunnerProcess = {
  /** INT to the group: run.sh hands it on to its listener, which cancels its job and ends. */
  interrupt(): void;
  /** KILL to everything that it started. */
  kill(): Promise<void>;
  /** After the last line. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
};

export function startProcess(
  { command, cwd, env, onLine, whenTaken, clock }: ProcessSpec,
  sweep: Sweep = noSweep,
): RunnerProcess {
  const child = spawn(command.program, command.args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const leader = child.pid;
  // Afterwards the number may be another's.
  let exited = false;
  const outputs = [child.stdout, child.stderr];
  const closed = Promise.all(outputs.map((stream) => readLines(stream, onLine, whenTaken)));
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once("error", (error) => {
      // Also emitted for a failed kill, which is no end.
      if (leader === undefined) resolve({ type: "not-started", error });
    });
    child.once("exit", (code, signal) => {
      exited = true;
      cleanUp(leader ?? 0)
        .then((stragglers) =>
          resolve({ type: "exited", code: code ?? undefined, signal: signal ?? undefined, ...stragglers }),
        )
        .catch(reject);
    });
  });
  return {
    interrupt: () => {
      if (leader !== undefined && !exited) killGroup(leader, "SIGINT");
    },
    async kill() {
      // What it left behind is killed at its exit.
      if (leader !== undefined && !exited) await killSession(leader, clock);
    },
    ended,
  };

  async function cleanUp(pid: number) {
    const session = await killSession(pid, clock);
    const strays = await sweep();
    // A process that left the session can hold the pipe open for ever.
    const done = new AbortController();
    await Promise.race([closed, clock.sleep(PIPE_MS, done.signal)]);
    done.abort();
    await readWhatIsThere(outputs);
    for (const stream of outputs) stream.destroy();
    // With the last line, which may have no end.
    await closed;
    return {
      stragglers: session.found + strays.found,
      undead: session.left + strays.left,
    };
  }
}

const PIPE_MS = 2_000;
/** Each reads up to 2 MB of a pipe: one that is written to without end is left after so many. */
const MOST_TURNS = 50;

async function noSweep(): ReturnType<Sweep> {
  return { found: 0, left: 0 };
}

/**
 * What was written before is read, though the wait is over: on a machine that stood still the timer and the output come at
 * the same time, and the last line says whether the job passed.
 */
async function readWhatIsThere(streams: readonly Readable[]): Promise<void> {
  let chunks = 0;
  const count = () => {
    chunks += 1;
  };
  for (const stream of streams) stream.on("data", count);
  let before = -1;
  for (let turn = 0; turn < MOST_TURNS && chunks !== before; turn += 1) {
    before = chunks;
    // A turn of the event loop looks at every pipe between its timers and its immediates. The first may be half over.
    await nextTurn();
    await nextTurn();
  }
}

async function readLines(
  stream: NodeJS.ReadableStream,
  onLine: ProcessSpec["onLine"],
  whenTaken: ProcessSpec["whenTaken"],
): Promise<void> {
  const lines = createLineSplitter(onLine);
  stream.on("data", (chunk: Buffer) => {
    lines.push(chunk);
    const taken = whenTaken?.();
    if (taken === undefined) return;
    stream.pause();
    void taken.then(() => stream.resume());
  });
  // A broken pipe closes the stream too, and its end is all that counts.
  stream.on("error", () => undefined);
  await new Promise((resolve) => stream.once("close", resolve));
  lines.end();
}
