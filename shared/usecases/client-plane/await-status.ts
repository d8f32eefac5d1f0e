// A long poll: the status at the job's end, or as it is when the wait is over. A caller that comes again at once waits
// again.

import type { JobId } from "../../domain/ids.ts";
import { jobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { JobStatus } from "../../domain/waiting/api-status.ts";
import type { JobWatch } from "../../ports/job-watch.ts";
import type { ApiDeps } from "./api-deps.ts";
import { seeJob } from "./api-deps.ts";
import { describeJob } from "./job-status.ts";

export async function awaitStatus(
  deps: ApiDeps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<JobStatus | undefined> {
  const look = () => seeJob(deps, caller, endpoint, id);
  const job = await awaitJob(deps, jobId(id), { look, until: isTerminal, waitMs, signal });
  return job === undefined ? undefined : describeJob(deps, job, caller.login);
}

export type Wait = {
  readonly look: () => Promise<Job | undefined>;
  readonly until: (job: Job) => boolean;
  readonly waitMs: number;
  /** The caller has gone. */
  readonly signal: AbortSignal;
};

/** Looks until `until` holds, the time is over, the caller has gone or the job is not to be seen (any more). */
export async function awaitJob(deps: ApiDeps, id: JobId, wait: Wait): Promise<Job | undefined> {
  const end = deps.clock.now() + wait.waitMs;
  // Before the first look: a change that comes between the look and the wait is not missed.
  const watch = deps.watches?.watch(id) ?? blindWatch();
  const paceMs = deps.watches?.paceMs ?? BLIND_PACE_MS;
  try {
    for (;;) {
      const job = await wait.look();
      const leftMs = end - deps.clock.now();
      if (job === undefined || wait.until(job) || leftMs <= 0 || wait.signal.aborted) return job;
      await watch.next(Math.min(paceMs, leftMs), wait.signal);
    }
  } finally {
    watch.close();
  }
}

/** Two reads a second and waiting client: a tenth of a US cent per hour on DynamoDB. */
const BLIND_PACE_MS = 500;

function blindWatch(): JobWatch {
  return {
    next: (ms, signal) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener("abort", done);
      }),
    close() {},
  };
}
