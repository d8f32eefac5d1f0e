// /requests: the caller's jobs of an endpoint that have not ended, oldest first, without their progress.
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { JobStatus } from "../../domain/waiting/api-status.ts";
import { isVisible, statusObject } from "../../domain/waiting/api-status.ts";
import type { Deps } from "../deps.ts";
import { endpointNamed } from "./api-deps.ts";
import { openJobs } from "./open-jobs.ts";

export async function listRequests(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
): Promise<{ requests: JobStatus[] } | undefined> {
  const known = endpointNamed(deps, endpoint);
  if (known === undefined) return undefined;
  const now = deps.clock.now();
  const jobs = await openJobs(deps, known.name, caller.tenant);
  const own = jobs.filter((job) => isVisible(job, { caller, endpoint, now }));
  return { requests: own.map((job) => statusObject(job, undefined)) };
}
