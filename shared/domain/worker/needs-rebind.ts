// Whether a job and the runner that GitHub names for it are still to be paired, and when the job is looked at again.
import { GITHUB_RECHECK_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Job } from "../job/job.ts";
import { isTerminal, isWaiting } from "../job/job.ts";

/** GitHub names a runner, and the job does not yet point to it or the swap is not finished. */
export function needsRebind(job: Job): boolean {
  const runner = job.github?.runner?.name;
  return runner !== undefined && (runner !== job.workerId || job.formerWorkerId !== undefined);
}

/**
 * An open workflow job that is in no lane and that no runner is known to be at work on: held, being started, named by
 * GitHub for a runner that it is not paired with, or to be asked about. GitHub may give it, or have given it, to any
 * runner.
 */
export function isUnpaired(job: Job): boolean {
  if (job.github === undefined || isTerminal(job) || isWaiting(job)) return false;
  return job.state === "IN_QUEUE" || job.verifyAt !== undefined || needsRebind(job);
}

/** Due for another look, should the change of this very write be lost; the same object when it is due soon already. */
export function dueUntilRebound(job: Job, now: EpochMs): Job {
  const soon = now + GITHUB_RECHECK_MS;
  const isDue = (job.verifyAt ?? Number.POSITIVE_INFINITY) <= soon;
  return isTerminal(job) || isDue || !needsRebind(job) ? job : { ...job, verifyAt: soon };
}
