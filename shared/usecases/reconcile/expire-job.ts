// A job whose time is over ends as TIMED_OUT; the change of this write ends its worker.

import type { EpochMs } from "../../domain/ids.ts";
import { apiDeadlines } from "../../domain/job/api-job.ts";
import type { ApiEnd } from "../../domain/job/api-steps.ts";
import { endedApi, pickedUp } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { noteEnd } from "../ending/end-api-job.ts";
import { updateJob } from "../update.ts";

/** Nothing happens before its time. Answers whether it ended. */
export async function expireJob(deps: Deps, seen: Job): Promise<boolean> {
  const now = deps.clock.now();
  if (endOf(seen, now) === undefined) return false;
  const worker = seen.workerId === undefined ? undefined : await deps.stores.workers.get(seen.workerId);
  const { item: job, changed } = await updateJob(deps.stores.jobs, seen.id, (current) => {
    const known = withPickup(current, worker);
    const end = endOf(known, now);
    return end === undefined ? known : endedApi(known, end, now);
  });
  if (!changed || job === undefined || !isTerminal(job)) return false;
  await noteEnd(deps, job);
  return true;
}

/** Its ttl no longer counts once its runner runs a workflow job; the job is told so when that matters first. */
function withPickup(job: Job, worker: Worker | undefined): Job {
  const runs = worker !== undefined && worker.id === job.workerId && worker.jobId === job.id;
  const at = runs && job.api?.runner !== undefined ? worker.phases.running : undefined;
  return at === undefined ? job : pickedUp(job, at);
}

function endOf(job: Job, now: EpochMs): ApiEnd | undefined {
  if (job.api === undefined || isTerminal(job)) return undefined;
  const { ttlAt, executionAt } = apiDeadlines(job.api, job);
  const { ttlMs, executionTimeoutMs } = job.api.policy;
  if (executionAt !== undefined && executionAt <= now) {
    const message = `it ran longer than its executionTimeout of ${executionTimeoutMs} ms`;
    return { state: "TIMED_OUT", reason: "execution-timeout", message };
  }
  if (ttlAt === undefined || ttlAt > now) return undefined;
  if (job.state === "IN_QUEUE") {
    return {
      state: "TIMED_OUT",
      reason: "queue-timeout",
      message: `no worker took it within its ttl of ${ttlMs} ms`,
    };
  }
  if (job.api.runner === undefined) {
    const message = `it had not ended within its ttl of ${ttlMs} ms, which counts from its submission`;
    return { state: "TIMED_OUT", reason: "ttl-expired", message };
  }
  const message = `no workflow job came for its runner within its ttl of ${ttlMs} ms`;
  return { state: "TIMED_OUT", reason: "queue-timeout", message };
}
