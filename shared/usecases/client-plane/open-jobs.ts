// The jobs of a tenant at an endpoint that have not ended.
import type { EndpointName, JobId, TenantId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Deps } from "../deps.ts";
import { MAX_OPEN_JOBS } from "./queue-limit.ts";

const AT_ONCE = 32;

/** Oldest first. The index is a hint: some of them may have ended. */
export async function openJobIds(deps: Deps, endpoint: EndpointName, tenant: TenantId): Promise<JobId[]> {
  const open = await deps.apiStores.apiJobs.open(endpoint, MAX_OPEN_JOBS);
  return open.filter((job) => job.tenant === tenant).map(({ id }) => id);
}

/** Loaded, some at a time: 1,500 of 16 kB would be 25 MB. What has ended since is left out. */
export async function* openJobs(
  deps: Deps,
  endpoint: EndpointName,
  tenant: TenantId,
): AsyncGenerator<readonly Job[], undefined> {
  const ids = await openJobIds(deps, endpoint, tenant);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const batch = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => deps.stores.jobs.get(id)));
    yield batch.filter((job) => job !== undefined && !isTerminal(job)) as Job[];
  }
}
