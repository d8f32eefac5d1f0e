// The end of an API job: by the word of the worker that serves it, for what that worker has failed to do, or since it has
// ended.
import type { JobId } from "../../domain/ids.ts";
import type { ApiEnd } from "../../domain/job/api-steps.ts";
import { endedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { settledApi } from "../../domain/worker/api-settling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { forgetPayloads } from "../storage/forget-payloads.ts";
import { updateJob } from "../update.ts";

/** False when the worker no longer holds the job, or the job has ended: whatever the worker says is then too late. */
export async function endApiJob(deps: Deps, worker: Worker, id: JobId, end: ApiEnd): Promise<boolean> {
  const { item, changed } = await updateJob(deps.stores.jobs, id, (job) =>
    holds(worker, job) ? endedApi(job, end, deps.clock.now()) : undefined,
  );
  if (changed && item !== undefined) await noteEnd(deps, item);
  return changed;
}

/** The job's `workerId` is the truth; the lease names the life of the job that the worker was given. */
export function holds({ id, lease }: Worker, job: Job): boolean {
  return job.workerId === id && lease?.jobId === job.id && lease.generation === job.api?.generation;
}

export async function noteEnd(deps: Deps, job: Job): Promise<void> {
  if (!isTerminal(job)) return;
  deps.log.info("api-job-ended", {
    job: job.id,
    worker: job.workerId,
    endpoint: job.endpoint,
    state: job.state,
    reason: job.end?.reason,
    message: job.end?.message,
  });
  if (job.state === "COMPLETED") await deps.apiStores.counts.add(job.endpoint, "completed");
  else if (job.state !== "CANCELLED") await deps.apiStores.counts.add(job.endpoint, "failed");
  await forgetPayloads(deps, job);
}

/** Safe to repeat: a job that was settled before is no longer this worker's, or has ended. */
export async function settleApiJob(deps: Deps, worker: Worker): Promise<void> {
  const now = deps.clock.now();
  const random = deps.random.fraction();
  const { item, changed } = await updateJob(deps.stores.jobs, worker.jobId, (job) =>
    settledApi(job, worker, now, random),
  );
  if (changed && item !== undefined) await noteEnd(deps, item);
}
