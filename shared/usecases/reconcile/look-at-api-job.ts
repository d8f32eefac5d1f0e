// An API job that is due: its time may be over, or the run that asked for it.

import { runCheckDueAt } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Deps } from "../deps.ts";
import { updateJob } from "../update.ts";
import { checkRun } from "./check-run.ts";
import { expireJob } from "./expire-job.ts";

/** The job as it is afterwards. */
export async function lookAtApiJob(deps: Deps, seen: Job): Promise<Job | undefined> {
  if (isTerminal(seen)) return seen;
  const now = deps.clock.now();
  if (!(await expireJob(deps, seen))) {
    if (isBy(runCheckDueAt(seen), now)) await checkRun(deps, seen);
    else if (isBy(seen.verifyAt, now)) await forgetVerify(deps, seen);
  }
  return deps.stores.jobs.get(seen.id);
}

/** No run holds it, and there is nobody to ask about a job that GitHub does not know. */
async function forgetVerify(deps: Deps, seen: Job): Promise<void> {
  await updateJob(deps.stores.jobs, seen.id, (job) =>
    isTerminal(job) || !isBy(job.verifyAt, deps.clock.now()) ? undefined : { ...job, verifyAt: undefined },
  );
}

function isBy(at: number | undefined, time: number): boolean {
  return at !== undefined && at <= time;
}
