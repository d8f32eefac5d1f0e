// The job that a program holds, as far as what it posts concerns, and what becomes of it when the program no longer knows
// of it.
import { ASYNC_RESULT_MS } from "../../domain/deadlines.ts";
import type { EpochMs, JobId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { acked, isWordOf, unleased } from "../../domain/worker/worker-lease.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { endApiJob, holds } from "../ending/end-api-job.ts";
import { updateWorker } from "../update.ts";

/** Undefined when the worker does not hold it, holds another life of it, or held neither when it said this. */
export async function jobServedBy(
  deps: Deps,
  worker: Worker,
  { job: id, saidAt }: { readonly job: JobId; readonly saidAt: EpochMs },
): Promise<Job | undefined> {
  const { lease } = worker;
  if (lease === undefined || !isWordOf(lease, { saidAt, now: deps.clock.now() })) return undefined;
  const job = await deps.stores.jobs.get(id);
  return job !== undefined && holds(worker, job) ? job : undefined;
}

/** What it posts shows that the job has arrived. */
export async function acknowledge(deps: Deps, worker: Worker, job: JobId, saidAt: EpochMs): Promise<void> {
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    acked(current, job, { now: deps.clock.now(), saidAt, limits: limitsOf(deps, current.endpoint) }),
  );
}

/** As long as the job may run, and as its result is kept. */
export function keptUntil(deps: Deps, job: Job): EpochMs {
  return deps.clock.now() + (job.api?.policy.executionTimeoutMs ?? 0) + ASYNC_RESULT_MS;
}

/**
 * `how`: what the worker did, for people. Answers the worker, free for the next job; undefined when it has another by
 * now.
 */
export async function loseResult(deps: Deps, worker: Worker, how: string): Promise<Worker | undefined> {
  const { lease } = worker;
  if (lease === undefined) return undefined;
  const job = await deps.stores.jobs.get(lease.jobId);
  if (job !== undefined && !isTerminal(job)) {
    const message = `its worker ${worker.id} had the job, then ${how}: the result was lost`;
    await endApiJob(deps, worker, job.id, {
      state: "FAILED",
      reason: "result-lost",
      message,
      error: `${message}; use /retry if the work may be repeated`,
    });
  }
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    unleased(current, lease, {
      now: deps.clock.now(),
      limits: limitsOf(deps, current.endpoint),
    }),
  );
  return item?.lease === undefined ? item : undefined;
}
