// A job that is due: its hold is over, its lane is to be made known, or GitHub is to be asked about it.
import { GITHUB_QUEUE_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { checkDueAt, isTerminal, isWaiting } from "../../domain/job/job.ts";
import { admitted, liftHold } from "../../domain/job/job-steps.ts";
import type { Deps } from "../deps.ts";
import { registerLane } from "../dispatch/open-lanes.ts";
import { askGithub } from "../ending/settle-job.ts";
import { forgetPayloads } from "../storage/forget-payloads.ts";
import { updateJob } from "../update.ts";
import { lookAtApiJob } from "./look-at-api-job.ts";
import { recheckJob } from "./recheck-job.ts";

/** Whether its look waits for GitHub. */
export function asksGithub(job: Job, now: EpochMs): boolean {
  return !isTerminal(job) && (isLikelyGone(job, now) || isToVerify(job, now));
}

/** Answers the job if it has ended and is due all the same: a callback of it is. */
export async function lookAtJob(deps: Deps, found: Job, until: EpochMs): Promise<Job | undefined> {
  const now = deps.clock.now();
  const seen = found.api === undefined ? found : await lookAtApiJob(deps, found, until);
  if (seen === undefined) return undefined;
  if (isTerminal(seen)) {
    await forgetPayloads(deps, seen);
    return seen;
  }
  // Its hold stays meanwhile: GitHub's answer lifts it, or it is held anew.
  if (isLikelyGone(seen, now)) await askGithub(deps, seen);
  else if (isToVerify(seen, now)) await recheckJob(deps, seen);
  else await bringOn(deps, seen, { now, until });
  return undefined;
}

async function bringOn(
  deps: Deps,
  seen: Job,
  { now, until }: { readonly now: EpochMs; readonly until: EpochMs },
): Promise<void> {
  // Before the write that says so: a crash between leaves the job due.
  if (isWaiting(seen) && isBy(seen.admitAt, until)) await registerLane(deps, seen);
  await updateJob(deps.stores.jobs, seen.id, (current) => {
    if (isTerminal(current)) return undefined;
    if (isBy(current.hold?.until, now)) return liftHold(current, now);
    return isWaiting(current) && isBy(current.admitAt, until) ? admitted(current) : undefined;
  });
}

function isToVerify(job: Job, now: EpochMs): boolean {
  return job.api === undefined && isBy(checkDueAt(job), now);
}

/** Held, and older than GitHub lets a job wait: before a worker is started once more GitHub is asked whether it waits. */
function isLikelyGone(job: Job, now: EpochMs): boolean {
  const isOld = job.github !== undefined && now - job.queuedAt >= GITHUB_QUEUE_MS;
  return isOld && job.workerId === undefined && isBy(job.hold?.until, now);
}

function isBy(at: EpochMs | undefined, time: EpochMs): boolean {
  return at !== undefined && at <= time;
}
