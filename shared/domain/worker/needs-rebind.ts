// Whether a job and the runner that GitHub names for it are still to be paired, and when the job is looked at again.
import { EXECUTION_MS, GITHUB_RECHECK_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Job } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";

/** GitHub names a runner, and the job does not yet point to it or the swap is not finished. */
export function needsRebind(job: Job): boolean {
  const runner = job.github?.runner?.name;
  return runner !== undefined && (runner !== job.workerId || job.formerWorkerId !== undefined);
}

/** Due for another look, should the change of this very write be lost; the same object when it is due already. */
export function dueUntilRebound(job: Job, now: EpochMs): Job {
  if (isTerminal(job) || job.verifyAt !== undefined) return job;
  const verifyAt = needsRebind(job) ? now + GITHUB_RECHECK_MS : runCheckAt(job, now);
  return verifyAt === undefined ? job : { ...job, verifyAt };
}

/**
 * The end of its worker makes us ask about a job that runs, unless that worker's record is lost and with it which job it
 * had: then GitHub's `completed` may be the only word, and if that is lost too the job is asked about after this time.
 */
export function runCheckAt(job: Job, now: EpochMs): EpochMs | undefined {
  return job.state === "IN_PROGRESS" && job.api === undefined ? now + EXECUTION_MS : undefined;
}
