// An API job that is due: its time may be over, its worker may be another's or gone, or the run that asked for it is.

import { PAIRING_CHECK_MS, PAIRING_RECHECK_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import { linksDueAt } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Deps } from "../deps.ts";
import { compareWithWorker } from "../pairing/compare-with-worker.ts";
import { updateJob } from "../update.ts";
import { checkRun } from "./check-run.ts";
import { expireJob } from "./expire-job.ts";

/** The job as it is afterwards. `until`: its worker is looked at though that is due only then. */
export async function lookAtApiJob(deps: Deps, seen: Job, until: EpochMs): Promise<Job | undefined> {
  if (isTerminal(seen)) return seen;
  const dueAt = linksDueAt(seen) ?? seen.verifyAt;
  if (!(await expireJob(deps, seen)) && isBy(dueAt, until)) {
    const isMended = await compareWithWorker(deps, seen);
    if (!isMended && isBy(dueAt, deps.clock.now())) await lookFurther(deps, seen);
  }
  return deps.stores.jobs.get(seen.id);
}

async function lookFurther(deps: Deps, seen: Job): Promise<void> {
  if (seen.api?.run === undefined) await lookLater(deps, seen);
  else await checkRun(deps, seen);
}

/** No run holds it. Without a worker there is nobody to ask about a job that GitHub does not know. */
async function lookLater(deps: Deps, seen: Job): Promise<void> {
  await updateJob(deps.stores.jobs, seen.id, (job) => {
    const now = deps.clock.now();
    if (isTerminal(job) || !isBy(linksDueAt(job) ?? job.verifyAt, now)) return undefined;
    const afterMs = job.state === "IN_QUEUE" ? PAIRING_CHECK_MS : PAIRING_RECHECK_MS;
    const verifyAt = job.workerId === undefined ? undefined : now + afterMs;
    return { ...job, verifyAt };
  });
}

function isBy(at: number | undefined, time: number): boolean {
  return at !== undefined && at <= time;
}
