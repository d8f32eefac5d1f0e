// What the API's use cases need beyond the others', and how they find a job that its caller may see.
import type { ApiCaller } from "../../domain/api-job.ts";
import { isVisible } from "../../domain/api-status.ts";
import type { Endpoint } from "../../domain/endpoint.ts";
import { endpointName, jobId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job.ts";
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
export async function findJob(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<Job | undefined> {
  if (!JOB_ID.test(id)) return undefined;
  const job = await deps.stores.jobs.get(jobId(id));
  if (job === undefined || !isVisible(job, { caller, endpoint, now: deps.clock.now() })) return undefined;
  return job;
}

export function endpointNamed(deps: Deps, name: string): Endpoint | undefined {
  return endpointOf(deps, endpointName(name));
}
