// How a worker ended, by its own word, and what that means for the job it served.
import type { MemoryKills } from "./memory-kills.ts";
import type { RanJob } from "./started-job.ts";

/**
 * - `ran`: the runner printed `Running job`; what the job's conclusion is, GitHub says.
 * - `idle`: the runner listened and ended without a job (asked to drain, or removed by GitHub).
 * - `runner-died`: its runner ended by itself while it listened or ran a job, without a result: nobody has told GitHub.
 * - `cancelled`: it was told to end (TERM); `jobName` says whether its runner had a job.
 * - the others: a failed start; the runner never listened.
 */
export type OwnOutcome =
  | "ran"
  | "idle"
  | "preflight-failed"
  | "registration-refused"
  | "config-failed"
  | "runner-failed"
  | "runner-too-old"
  | "no-runner"
  | "runner-died"
  | "cancelled";

/** `program-died`: a program ended by itself, with or without a job. Its pool says so, no program does. */
export type WorkerOutcome = OwnOutcome | "program-died";

export type WorkerReport = {
  readonly outcome: WorkerOutcome;
  /** A sentence for people; no secret. */
  readonly message: string;
  /** What `run.sh` exited with; says little, see docs/worker.md. */
  readonly runnerExit: { readonly code: number | undefined; readonly signal: string | undefined } | undefined;
  /** The display name in `Running job:`. */
  readonly jobName: string | undefined;
  /** The word in `completed with result:`. */
  readonly result: string | undefined;
  /** By the runner's hooks; absent where they did not run. */
  readonly ran?: RanJob | undefined;
  /** Absent: none that are known of. */
  readonly memoryKills?: MemoryKills | undefined;
  /** After a failed preflight: what the host calls the cards in trouble. Empty: none of its own. Absent: any may be. */
  readonly badCards?: readonly string[] | undefined;
};

/** True when the start failed: no runner of this worker ever listened. */
export function isFailedStart(outcome: WorkerOutcome): boolean {
  return !["ran", "idle", "runner-died", "program-died", "cancelled"].includes(outcome);
}

/** Its runner was given a workflow job. */
export function hadJob(report: WorkerReport | undefined): boolean {
  return report?.outcome === "ran" || report?.jobName !== undefined;
}

/** A failure that the same image or setting will meet again: trying fast would only burn cards. */
export function isPermanent(outcome: WorkerOutcome): boolean {
  return outcome === "runner-too-old" || outcome === "no-runner";
}

/**
 * Its cards failed its preflight. Not so when there were none at all (`E_NO_DEVICE`): that is the pool's setting, which
 * every other card meets as well; nor when it knows that none of its own is to blame.
 */
export function blamesCards({ outcome, message, badCards }: WorkerReport): boolean {
  if (outcome !== "preflight-failed") return false;
  return badCards === undefined ? !message.startsWith("E_NO_DEVICE") : badCards.length > 0;
}
