// The status of a job: its output fetched, and why it waits.
import { jobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import { keptFor } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { JobStatus } from "../../domain/waiting/api-status.ts";
import { statusObject } from "../../domain/waiting/api-status.ts";
import type { Deps } from "../deps.ts";
import { loadJson } from "../storage/load-json.ts";
import { updateJob } from "../update.ts";
import { seeJob } from "./api-deps.ts";
import { explainJob } from "./explain-job.ts";

export async function statusOf(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<JobStatus | undefined> {
  const job = await seeJob(deps, caller, endpoint, id);
  return job === undefined ? undefined : describeJob(deps, job, caller.login);
}

/** Its result is kept no longer than for `ttlMs`, from now or from its end. A workflow job has none of its own. */
export async function statusWithTtl(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
  ttlMs: number,
): Promise<JobStatus | undefined> {
  const status = await statusOf(deps, caller, endpoint, id);
  const keep = (job: Job) => keptFor(job, ttlMs, deps.clock.now());
  if (status !== undefined) await updateJob(deps.stores.jobs, jobId(id), keep);
  return status;
}

/** `login`: of the job's owner; a job that has ended does without. */
export async function describeJob(deps: Deps, job: Job, login = ""): Promise<JobStatus> {
  const output = await loadJson(deps, job.api?.output);
  const explained = isTerminal(job) ? undefined : await explainJob(deps, job, login);
  return statusObject(job, output, explained);
}
