// The jobs of an endpoint that have not ended, loaded.
import type { EndpointName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job.ts";
import { isTerminal } from "../../domain/job.ts";
import type { Deps } from "../deps.ts";

const AT_ONCE = 64;

/** The index is a hint: what has ended since is left out. Oldest first. */
export async function openJobs(deps: Deps, endpoint: EndpointName, limit: number): Promise<Job[]> {
  const ids = await deps.apiStores.apiJobs.open(endpoint, limit);
  const jobs: Job[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const batch = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => deps.stores.jobs.get(id)));
    jobs.push(...(batch.filter((job) => job !== undefined && !isTerminal(job)) as Job[]));
  }
  return jobs;
}
