// The status of a job, its output fetched.
import type { ApiCaller } from "../../domain/api-job.ts";
import type { JobStatus } from "../../domain/api-status.ts";
import { statusObject } from "../../domain/api-status.ts";
import type { Job } from "../../domain/job.ts";
import type { Deps } from "../deps.ts";
import { findJob } from "./api-deps.ts";

export async function statusOf(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<JobStatus | undefined> {
  const job = await findJob(deps, caller, endpoint, id);
  return job === undefined ? undefined : describeJob(deps, job);
}

export async function describeJob(deps: Deps, job: Job): Promise<JobStatus> {
  const output = job.api?.output;
  const json = output === undefined ? undefined : await deps.apiStores.payloads.get(output);
  return statusObject(job, json === undefined ? undefined : JSON.parse(json));
}
