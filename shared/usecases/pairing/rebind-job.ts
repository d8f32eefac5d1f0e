// GitHub gave a job to another runner than the one started for it: jobs and workers are paired again.
// Each write may be repeated, and leaves its job due for another look once the dust has settled (recheck-job.ts).

import { GITHUB_RECHECK_MS } from "../../domain/deadlines.ts";
import type { JobId, WorkerId } from "../../domain/ids.ts";
import { isOwnRunner, parseWorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { bind, requeue, verifyLater } from "../../domain/job/job-steps.ts";
import type { RebindView } from "../../domain/worker/binding.ts";
import { decideRebind, isIdle, isOutdated } from "../../domain/worker/binding.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { serving } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateJob, updateWorker } from "../update.ts";
import { retireWorker } from "./retire-worker.ts";

/** For a job that GitHub says is in progress or completed on some runner. */
export async function rebindJob(deps: Deps, job: Job): Promise<void> {
  const taker = await takerOf(deps, job);
  if (taker === undefined) return leaveToStranger(deps, job);
  const view = await viewOf(deps, job, taker);
  if (!isTerminal(job) && isOutdated(view)) return askSoon(deps, job);
  const rebind = decideRebind(view);
  if (rebind.taken !== undefined && !(await take(deps, job, rebind.taken))) return;
  // Workers point to their jobs first: a job bound to a worker that points elsewhere would be forgotten at that one's end.
  const heir = rebind.freed && (await handOver(deps, rebind.freed, job.id));
  const change = { taker: taker.id, heir };
  if (view.displaced !== undefined) await displace(deps, view.displaced.id, change);
  if (rebind.taker !== undefined) await turn(deps, taker, job.id);
  // Once more behind the worker's write: whoever found the two paired until then has not written, or is overruled here.
  if (view.displaced !== undefined && heir === undefined) await displace(deps, view.displaced.id, change);
  if (rebind.surplus !== undefined) await retireWorker(deps, rebind.surplus, job.id);
}

async function takerOf(deps: Deps, job: Job): Promise<Worker | undefined> {
  const name = job.github?.runner?.name;
  if (name === undefined || !isOwnRunner(deps.deployment, name)) return undefined;
  const id = parseWorkerId(name);
  const worker = id === undefined ? undefined : await deps.stores.workers.get(id);
  // The runner of an API job stays with that job, whatever GitHub gives it: here it is a stranger.
  return (worker?.kind ?? "github") === "github" ? worker : undefined;
}

/** GitHub's answer moves it on. */
async function askSoon(deps: Deps, job: Job): Promise<void> {
  const soon = deps.clock.now() + GITHUB_RECHECK_MS;
  await updateJob(deps.stores.jobs, job.id, (current) =>
    isTerminal(current) || (current.verifyAt ?? Number.POSITIVE_INFINITY) <= soon
      ? undefined
      : verifyLater(current, soon),
  );
}

/** No worker of ours will end for this job and make us ask, so GitHub is asked once the job's time is over. */
async function leaveToStranger(deps: Deps, job: Job): Promise<void> {
  if (job.workerId !== undefined) await retireWorker(deps, job.workerId, job.id);
  const now = deps.clock.now();
  const soon = now + GITHUB_RECHECK_MS;
  // Clearly later than soon, or each such write would set the next in motion.
  const laterMs = Math.max(limitsOf(deps, job.endpoint).executionMs, 2 * GITHUB_RECHECK_MS);
  await updateJob(deps.stores.jobs, job.id, (current) => {
    const at = current.verifyAt ?? soon;
    return isTerminal(current) || at <= now || at > soon ? undefined : verifyLater(current, now + laterMs);
  });
}

async function viewOf(deps: Deps, job: Job, taker: Worker): Promise<RebindView> {
  const { jobs, workers } = deps.stores;
  const formerId = job.workerId === taker.id ? job.formerWorkerId : job.workerId;
  const displaced = taker.jobId === job.id ? undefined : await jobs.get(taker.jobId);
  const former = formerId === undefined ? undefined : await workers.get(formerId);
  // A crash came after the former worker was pointed to the displaced job: it is that job's heir still.
  const isHeir = displaced?.workerId === taker.id && former?.jobId === displaced.id;
  if (former !== undefined && isHeir) return { job, taker, displaced, former: { ...former, jobId: job.id } };
  // One that has moved on already serves another job, whatever this job still says.
  return { job, taker, displaced, former: former?.jobId === job.id ? former : undefined };
}

/** False when somebody else has paired this job meanwhile: that change brings us here again. */
async function take(deps: Deps, seen: Job, taken: Job): Promise<boolean> {
  const { workerId, formerWorkerId } = taken;
  if (workerId === undefined) return false;
  const verifyAt = deps.clock.now() + GITHUB_RECHECK_MS;
  const { changed } = await updateJob(deps.stores.jobs, seen.id, (current) =>
    current.workerId === seen.workerId && current.github?.runner?.name === workerId
      ? { ...bind(current, workerId, formerWorkerId), verifyAt }
      : undefined,
  );
  return changed;
}

/** The job that the taker was started for: to its heir, or back into its lane. */
async function displace(
  deps: Deps,
  id: JobId,
  { taker, heir }: { readonly taker: WorkerId; readonly heir: WorkerId | undefined },
): Promise<void> {
  const { item, changed } = await updateJob(deps.stores.jobs, id, (current) => {
    if (current.workerId !== taker || isTerminal(current)) return undefined;
    if (heir === undefined && current.state === "IN_QUEUE") return requeue(current);
    const verifyAt = deps.clock.now() + GITHUB_RECHECK_MS;
    if (heir !== undefined) return { ...bind(current, heir), verifyAt };
    // In progress on a third runner, and its own event may be lost: the worker that turns away from it would have asked.
    // Written though it is due already: a look at it that is under way must not put it off.
    return verifyLater(current, Math.min(current.verifyAt ?? verifyAt, verifyAt));
  });
  if (!changed || item?.workerId === taker) return;
  deps.log.info("job-rebound", {
    job: id,
    worker: heir,
    reason: heir === undefined ? "waits-again" : "swapped",
    message: `its worker ${taker} was given another job by GitHub`,
  });
}

/** The worker that lost `from` is to serve what its record names. Undefined when it has gone on meanwhile, or is to end. */
async function handOver(deps: Deps, { id, jobId }: Worker, from: JobId): Promise<WorkerId | undefined> {
  const { item } = await updateWorker(deps.stores.workers, id, (current) =>
    current.jobId === from && isIdle(current) ? serving(current, jobId) : undefined,
  );
  return item?.jobId === jobId && isIdle(item) ? id : undefined;
}

/** Not one that has been turned to another job since: GitHub gave it that one later, or that job's own look will tell. */
async function turn(deps: Deps, seen: Worker, jobId: JobId): Promise<void> {
  await updateWorker(deps.stores.workers, seen.id, (current) =>
    current.jobId === seen.jobId ? serving(current, jobId) : undefined,
  );
}
