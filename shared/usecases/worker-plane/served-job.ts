// The job that a program holds, as far as what it posts concerns.
import { ASYNC_RESULT_MS } from "../../domain/deadlines.ts";
import type { EpochMs, JobId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { acked } from "../../domain/worker/worker-lease.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { holds } from "../ending/end-api-job.ts";
import { updateWorker } from "../update.ts";

/** Undefined when the worker does not hold it, or holds another generation of it. */
export async function jobServedBy(deps: Deps, worker: Worker, id: JobId): Promise<Job | undefined> {
  const job = await deps.stores.jobs.get(id);
  return job !== undefined && holds(worker, job) ? job : undefined;
}

/** What it posts shows that the job has arrived. */
export async function acknowledge(deps: Deps, worker: Worker, job: JobId): Promise<void> {
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    acked(current, job, { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) }),
  );
}

/** As long as the job may run, and as its result is kept. */
export function keptUntil(deps: Deps, job: Job): EpochMs {
  return deps.clock.now() + (job.api?.policy.executionTimeoutMs ?? 0) + ASYNC_RESULT_MS;
}
