// As whom GitHub is asked for a worker's or a job's sake.
import type { Job } from "../domain/job.ts";
import type { Worker } from "../domain/worker.ts";
import type { Caller } from "../ports/github.ts";
import type { Deps } from "./deps.ts";

/** Undefined for a job that did not come from GitHub. */
export function callerOf(job: Job | undefined): Caller | undefined {
  if (job?.github === undefined) return undefined;
  return { owner: job.github.repository.owner, installationId: job.github.installationId };
}

export async function callerFor(deps: Pick<Deps, "stores">, worker: Worker): Promise<Caller | undefined> {
  return callerOf(await deps.stores.jobs.get(worker.jobId));
}
