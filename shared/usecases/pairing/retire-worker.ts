// A worker whose job no longer needs it goes to the next equal demand; only if there is none is it drained.
//
// Between GitHub's assignment and the runner's `Running job` a drain would cancel a job that its worker cannot see yet.
// So a registered worker is asked to drain only when no equal job is left that GitHub could give it: of two workers for
// one job the one goes that is not registered, and of two registered ones neither, until GitHub has chosen.

import { GITHUB_RECHECK_MS, SPARE_RECHECK_MS } from "../../domain/deadlines.ts";
import type { JobId, WorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { bind } from "../../domain/job/job-steps.ts";
import { areRivals, canServe } from "../../domain/worker/binding.ts";
import { isUnpaired } from "../../domain/worker/needs-rebind.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { draining, isSpare, recalled, serving, spared } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { limitsOf, runnerScope } from "../deps.ts";
import { isPaused } from "../dispatch/pause-gate.ts";
import { updateJob, updateWorker } from "../update.ts";

/** How many waiting jobs of the lane are looked at for one that this worker's labels fit. */
const EQUALS_SEARCHED = 20;
/** Of jobs that are being started or held, mostly the first decides; a matrix has 256 at most. */
const UNPAIRED_SEARCHED = 256;
/** What was looked at is good for so long. */
const LOOK_MS = 5_000;

/** `from`: the job that needs it no more; nothing happens when the worker has moved on from it already. */
export async function retireWorker(deps: Deps, id: WorkerId, from: JobId): Promise<void> {
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined || worker.jobId !== from || worker.state === "running") return;
  if (await giveToEqual(deps, worker)) return;
  const lookedAt = deps.clock.now();
  if (worker.registered && (await keepForRival(deps, worker))) return;
  const { item, changed } = await updateWorker(deps.stores.workers, id, (current) => {
    if (current.state === "running" || current.jobId !== from) return undefined;
    const step = stepOf(deps, current);
    // The look took long: jobs may have come meanwhile that this worker is given.
    const isOld = Math.abs(step.now - lookedAt) > LOOK_MS;
    if (isOld && current.registered) return spared(current, step.now, step);
    // Without a registration GitHub cannot have given it a job: it need not be asked, and from now on it gets none. One
    // that is just being started is taken down by its start: a stop that overtakes that would find nothing to stop.
    const isAsked = current.registered || current.state === "reserving";
    return isAsked ? draining(current, "surplus", step) : recalled(current, "surplus", step);
  });
  if (!changed || item === undefined || isSpare(item)) return;
  const event = item.state === "lost" ? "worker-recalled" : "worker-draining";
  deps.log.info(event, { worker: id, job: from, reason: "surplus" });
}

async function giveToEqual(deps: Deps, worker: Worker): Promise<boolean> {
  const lane = { pool: worker.pool, tenant: worker.tenant };
  let from = worker.jobId;
  for (const head of await deps.stores.jobs.heads(lane, EQUALS_SEARCHED)) {
    const job = await deps.stores.jobs.get(head.id);
    if (job === undefined || !isWaiting(job) || !isFree(deps, worker, job)) continue;
    if (await isPaused(deps, worker)) return false;
    if (!(await pointTo(deps, worker, from, job))) return false;
    from = job.id;
    if (!(await bindTo(deps, worker, job, isWaiting))) continue;
    deps.log.info("worker-given-on", { worker: worker.id, job: job.id });
    return true;
  }
  return false;
}

/** True when a job that another worker waits for may still come to this one: it stays, and the other may go instead. */
async function keepForRival(deps: Deps, worker: Worker): Promise<boolean> {
  if (worker.drain !== undefined) return false;
  const rivals = (await deps.stores.workers.live(worker.pool)).filter((one) => areRivals(one, worker));
  // Those without a registration first: one of them can go without being asked.
  rivals.sort((a, b) => Number(a.registered) - Number(b.registered));
  for (const { id } of rivals) {
    const rivalry = await rivalryOf(deps, worker, id);
    if (rivalry === undefined) continue;
    if (rivalry.rival.registered || !isUnassigned(rivalry.job)) return spare(deps, worker);
    if (await replaceRival(deps, worker, rivalry)) return true;
  }
  return (await hasUnpaired(deps, worker)) && (await spare(deps, worker));
}

/**
 * A job is there, though no idle worker waits for it, that GitHub may give this one, or has given it: then the two are to
 * be paired yet. So it is where changes are late and runners get each other's jobs.
 */
async function hasUnpaired(deps: Deps, worker: Worker): Promise<boolean> {
  for (const id of await deps.stores.jobs.unpaired(worker, UNPAIRED_SEARCHED)) {
    const job = await deps.stores.jobs.get(id);
    if (job !== undefined && isUnpaired(job) && mayComeTo(deps, worker, job)) return true;
  }
  return false;
}

function mayComeTo(deps: Deps, worker: Worker, job: Job): boolean {
  const runner = job.github?.runner?.name;
  if (runner !== undefined) return runner === worker.id;
  return job.hold?.reason !== "environment-gate" && canServe(worker, job, runnerScope(deps, job));
}

type Rivalry = { readonly rival: Worker; readonly job: Job };

/** The other worker with the job that it waits for, if that could come to this one. */
async function rivalryOf(deps: Deps, worker: Worker, id: WorkerId): Promise<Rivalry | undefined> {
  const rival = await deps.stores.workers.get(id);
  if (rival === undefined || !areRivals(rival, worker)) return undefined;
  const job = await deps.stores.jobs.get(rival.jobId);
  return job?.workerId === rival.id && !isTerminal(job) ? { rival, job } : undefined;
}

/** The job goes to the worker that GitHub may give it to at any moment; the one that still boots is recalled. */
async function replaceRival(deps: Deps, worker: Worker, { rival, job }: Rivalry): Promise<boolean> {
  if (!isFree(deps, worker, job) || !(await pointTo(deps, worker, worker.jobId, job))) return false;
  const isItsJob = (current: Job) => current.workerId === rival.id && isUnassigned(current);
  if (!(await bindTo(deps, worker, job, isItsJob, rival.id))) {
    // The job has moved on meanwhile: this worker is nobody's again.
    await retireWorker(deps, worker.id, job.id);
    return true;
  }
  deps.log.info("worker-given-on", { worker: worker.id, job: job.id });
  await retireWorker(deps, rival.id, job.id);
  return true;
}

async function spare(deps: Deps, worker: Worker): Promise<boolean> {
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.jobId === worker.jobId && current.state !== "running" && current.drain === undefined
      ? spared(current, deps.clock.now() + SPARE_RECHECK_MS, stepOf(deps, current))
      : undefined,
  );
  return changed;
}

/** The worker first: a crash between the two leaves a job that still waits, not one bound to a worker that forgot it. */
async function pointTo(deps: Deps, worker: Worker, from: JobId, job: Job): Promise<boolean> {
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.jobId === from && isFree(deps, current, job) ? serving(current, job.id) : undefined,
  );
  return changed;
}

async function bindTo(
  deps: Deps,
  worker: Worker,
  job: Job,
  isFreeJob: (job: Job) => boolean,
  former?: WorkerId,
): Promise<boolean> {
  const { changed } = await updateJob(deps.stores.jobs, job.id, (current) =>
    isFreeJob(current)
      ? { ...bind(current, worker.id, former), verifyAt: deps.clock.now() + GITHUB_RECHECK_MS }
      : undefined,
  );
  return changed;
}

/** GitHub has not named a runner for it. */
function isUnassigned(job: Job): boolean {
  return job.state === "IN_QUEUE" && job.github !== undefined && job.github.runner === undefined;
}

/** One that was asked to drain may already be ending. */
function isFree(deps: Deps, worker: Worker, job: Job): boolean {
  return worker.drain === undefined && canServe(worker, job, runnerScope(deps, job));
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
