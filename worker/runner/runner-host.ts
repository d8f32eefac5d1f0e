// What of a worker's work touches the runner's user: its programs, and the end of all it left. By itself, or by a
// supervisor.
import type { RunProgram } from "../process/run-program.ts";
import type { ProcessSpec, RunnerProcess } from "./runner-process.ts";
import type { RunnerUser } from "./runner-user.ts";

export type Cleaned = {
  /** Processes that were found alive. */
  readonly killed: number;
  /** Of them, those that would not die. */
  readonly undead: number;
  /** Entries of the work folder that would not go. */
  readonly left: number;
};

export type RunnerHost = {
  /** Undefined: the runner runs under the worker's own user. */
  readonly user: RunnerUser | undefined;
  /** The worker may not change files of the runner's, nor give it any. */
  readonly supervised: boolean;
  /** Under the runner's user; all that it started ends with it. */
  start(spec: ProcessSpec): RunnerProcess;
  /** A short program that needs the cards: their device files are for the runner's groups. */
  readonly run: RunProgram;
  /** After the last program: ends what is left of it, and empties `_work` in `home`. */
  clean(home: string): Promise<Cleaned>;
};
