// A waiting job for a program goes to one of its endpoint that is there and idle, before another is started.
import type { JobId, WorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { bindApi, requeue } from "../../domain/job/job-steps.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { canTake } from "../../domain/worker/worker-lease.ts";
import { kindFor, serving } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { isPaused } from "../dispatch/pause-gate.ts";
import { replaceSeen, updateJob } from "../update.ts";
import { yieldCards } from "./yield-cards.ts";

/** True when an idle worker has it now; its next poll is answered with it. */
export async function offerJob(deps: Deps, job: Job): Promise<boolean> {
  if (kindFor(job) !== "program") return false;
  for (const hint of await deps.stores.workers.live(job.pool)) {
    if (!isAlike(hint, job)) continue;
    const worker = await deps.stores.workers.get(hint.id);
    if (worker === undefined || !(await isFree(deps, worker, job))) continue;
    if (await isPaused(deps, job)) return false;
    if (!(await yieldCards(deps, worker, job)) && (await bindTo(deps, worker, job))) return true;
  }
  return false;
}

/**
 * The worker first, which promises nothing, then the job, which is the truth: a crash between the two leaves a job that
 * still waits. The worker may have turned to another job or ended meanwhile; a crash before that look is made up for by
 * the job's own (pairing/compare-with-worker.ts).
 */
async function bindTo(deps: Deps, worker: Worker, job: Job): Promise<boolean> {
  const pointed = await replaceSeen(deps.stores.workers, worker, serving(worker, job.id));
  if (pointed === undefined) return false;
  const { changed } = await updateJob(deps.stores.jobs, job.id, (current) =>
    isWaiting(current) ? bindApi(current, worker.id, deps.clock.now()) : undefined,
  );
  if (!changed) {
    // Somebody else has the job: the worker stands as before, unless it has turned to another by itself.
    await replaceSeen(deps.stores.workers, pointed, serving(pointed, worker.jobId));
    return false;
  }
  if (!(await stillServes(deps, worker.id, job.id))) {
    await takeBack(deps, worker.id, job.id);
    return false;
  }
  deps.log.info("worker-given-on", { worker: worker.id, job: job.id });
  return true;
}

async function stillServes(deps: Deps, id: WorkerId, job: JobId): Promise<boolean> {
  const worker = await deps.stores.workers.get(id);
  return worker !== undefined && isServing(worker) && worker.jobId === job;
}

/** Nobody was given it yet. */
async function takeBack(deps: Deps, id: WorkerId, job: JobId): Promise<void> {
  await updateJob(deps.stores.jobs, job, (current) =>
    current.workerId === id && current.state === "IN_QUEUE" ? requeue(current) : undefined,
  );
}

/** One that points to another job that has not ended is not free: it may be about to be given that one. */
async function isFree(deps: Deps, worker: Worker, job: Job): Promise<boolean> {
  if (!isAlike(worker, job) || worker.state !== "listening" || !canTake(worker, deps.clock.now()))
    return false;
  const own = await deps.stores.jobs.get(worker.jobId);
  return own === undefined || own.id === job.id || isTerminal(own);
}

function isAlike(worker: Worker, job: Job): boolean {
  return worker.endpoint === job.endpoint && worker.tenant === job.tenant;
}
