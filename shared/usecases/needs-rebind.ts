// Whether a job and the runner that GitHub names for it are still to be paired.
import { GITHUB_RECHECK_MS } from "../domain/deadlines.ts";
import type { EpochMs } from "../domain/ids.ts";
import type { Job } from "../domain/job.ts";
import { isTerminal } from "../domain/job.ts";

/** GitHub names a runner, and the job does not yet point to it or the swap is not finished. */
export function needsRebind(job: Job): boolean {
  const runner = job.github?.runner?.name;
  return runner !== undefined && (runner !== job.workerId || job.formerWorkerId !== undefined);
}

/** Due for another look, should the change of this very write be lost; the same object when no pairing is needed. */
export function dueUntilRebound(job: Job, now: EpochMs): Job {
  if (isTerminal(job) || job.verifyAt !== undefined || !needsRebind(job)) return job;
  return { ...job, verifyAt: now + GITHUB_RECHECK_MS };
}
