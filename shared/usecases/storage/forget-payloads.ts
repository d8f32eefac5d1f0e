// The input of a job that has ended for good goes at once, the rest with its result: nobody can ask for it any more.

import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { forgotten } from "../../domain/job/kept-payloads.ts";
import type { Deps } from "../deps.ts";
import { updateJob } from "../update.ts";

/** Safe to repeat: the parts first, then the job that names them. After a crash between the two the job is due again. */
export async function forgetPayloads(deps: Deps, seen: Job): Promise<void> {
  const now = deps.clock.now();
  const { removed } = forgottenOf(seen, now);
  if (removed.length === 0) return;
  for (const payload of removed) await deps.apiStores.payloads.remove(payload);
  await updateJob(deps.stores.jobs, seen.id, (job) => {
    // Tried again meanwhile: its new life has an input of its own.
    if (job.api?.generation !== seen.api?.generation) return undefined;
    const { api, removed: also } = forgottenOf(job, now);
    return also.length === 0 ? undefined : { ...job, api };
  });
}

function forgottenOf(job: Job, now: number) {
  return job.api === undefined || !isTerminal(job)
    ? { api: job.api, removed: [] }
    : forgotten({ state: job.state, api: job.api }, now);
}
