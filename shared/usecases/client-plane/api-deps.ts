// What the API's use cases need beyond the others', and how they find a job that its caller may see.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import { endpointName, jobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isVisible, maySee } from "../../domain/waiting/api-status.ts";
import type { CallbackSender } from "../../ports/callback-sender.ts";
import type { JobWatches } from "../../ports/job-watch.ts";
import type { Deps } from "../deps.ts";
import { endpointOf } from "../deps.ts";

export type ApiDeps = Deps & {
  /** Without it callbacks are taken, and given up when they are due. */
  readonly callbacks?: CallbackSender | undefined;
  /** Without it a long poll looks at the table twice a second. */
  readonly watches?: JobWatches | undefined;
};

/** RunPod's ids are opaque to clients: these characters only, and none of ours is longer. */
const JOB_ID = /^[A-Za-z0-9_-]{1,80}$/;

/** undefined: unknown, expired, of another endpoint, or not the caller's; to all of them the answer is the same. */
export function findJob(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<Job | undefined> {
  return find(deps, id, (job) => isVisible(job, { caller, endpoint, now: deps.clock.now() }));
}

/** To look at only: workflow jobs of GitHub too. */
export function seeJob(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<Job | undefined> {
  return find(deps, id, (job) => maySee(job, { caller, endpoint, now: deps.clock.now() }));
}

async function find(deps: Deps, id: string, isAllowed: (job: Job) => boolean): Promise<Job | undefined> {
  if (!JOB_ID.test(id)) return undefined;
  const job = await deps.stores.jobs.get(jobId(id));
  return job === undefined || !isAllowed(job) ? undefined : job;
}

export function endpointNamed(deps: Deps, name: string): Endpoint | undefined {
  return endpointOf(deps, endpointName(name));
}
