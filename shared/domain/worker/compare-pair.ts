// An API job and the worker that it names: do they still belong to each other? The job's `workerId` is the truth and the
// worker's pointer follows it; each is a write of its own, so that a crash or a lost race may leave one without the other.
import type { Job } from "../job/job.ts";
import type { Worker } from "./worker.ts";
import { isServing } from "./worker.ts";
import { isSameLease, leaseNameOf } from "./worker-lease.ts";

export type Pair =
  /** Or its worker has just ended: the release of that settles the job. */
  | "paired"
  /** Nobody was given it, and this worker will not be: it waits again. */
  | "apart"
  /** Its worker was given it, and has turned to something else without a word of it. */
  | "lost"
  /** Its worker has ended, and the job was not settled with it. */
  | "ended"
  /** There is no record of its worker, which may be at work all the same. */
  | "unknown";

/** For a job that has not ended and names a worker. */
export function comparePair(job: Job, worker: Worker | undefined): Pair {
  const isGiven = job.state !== "IN_QUEUE";
  if (worker === undefined) return isGiven ? "unknown" : "apart";
  const isIts = worker.jobId === job.id;
  if (worker.state === "released" || (!isServing(worker) && !isIts)) return "ended";
  if (!isServing(worker) || (isIts && hasNoOtherLease(worker, job))) return "paired";
  // A runner may run a workflow job for it, whatever its worker's record says.
  if (isGiven) return job.api?.runner === undefined ? "lost" : "paired";
  return "apart";
}

function hasNoOtherLease({ lease }: Worker, job: Job): boolean {
  return lease === undefined || isSameLease(lease, leaseNameOf(job));
}
