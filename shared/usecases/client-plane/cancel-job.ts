// /cancel: the job ends here; its worker is ended by the change of this write. One that has ended already stays as it is.

import type { EpochMs } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import { endedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { mayKnowOf } from "../../domain/said.ts";
import type { JobStatus } from "../../domain/waiting/api-status.ts";
import type { Deps } from "../deps.ts";
import { noteEnd } from "../ending/end-api-job.ts";
import { updateJob } from "../update.ts";
import { findJob } from "./api-deps.ts";
import { describeJob } from "./job-status.ts";

export async function cancelJob(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<JobStatus | undefined> {
  const saidAt = deps.clock.now();
  const seen = await findJob(deps, caller, endpoint, id);
  if (seen === undefined) return undefined;
  const message = `cancelled by ${caller.login} through the API`;
  const { item: job, changed } = await updateJob(deps.stores.jobs, seen.id, (current) => {
    const now = deps.clock.now();
    // Acted on late, it was about the life before.
    return mayKnowOf(current.queuedAt, { saidAt, now }) ? cancelled(current, message, now) : undefined;
  });
  if (changed && job !== undefined) await noteEnd(deps, job);
  return job === undefined ? undefined : describeJob(deps, job, caller.login);
}

/** The same object when it has ended. */
export function cancelled(job: Job, message: string, now: EpochMs): Job {
  const reason = job.state === "IN_QUEUE" ? "cancelled-before-pickup" : "cancelled";
  return endedApi(job, { state: "CANCELLED", reason, message }, now);
}
