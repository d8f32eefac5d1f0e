// /requests: the caller's jobs of an endpoint that have not ended, oldest first, without their progress.
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { JobStatus } from "../../domain/waiting/api-status.ts";
import { isVisible, statusObject } from "../../domain/waiting/api-status.ts";
import type { Deps } from "../deps.ts";
import { endpointNamed } from "./api-deps.ts";
import { openJobs } from "./open-jobs.ts";

/** `othersTurn`: between some jobs and the next, since a store in this process answers without a pause. */
export async function listRequests(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  othersTurn: () => Promise<void> = async () => {},
): Promise<{ requests: JobStatus[] } | undefined> {
  const known = endpointNamed(deps, endpoint);
  if (known === undefined) return undefined;
  const now = deps.clock.now();
  const requests: JobStatus[] = [];
  for await (const jobs of openJobs(deps, known.name, caller.tenant)) {
    const own = jobs.filter((job) => isVisible(job, { caller, endpoint, now }));
    requests.push(...own.map((job) => statusObject(job, undefined)));
    await othersTurn();
  }
  return { requests };
}
