// A waiting job for a program goes to one of its endpoint that is there and idle, before another is started.
import type { WorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { bind } from "../../domain/job/job-steps.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { canTake } from "../../domain/worker/worker-lease.ts";
import { kindFor, serving } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { isPaused } from "../dispatch/pause-gate.ts";
import { replaceSeen, updateJob, updateWorker } from "../update.ts";
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

/** The worker first: a crash between the two leaves a job that still waits. */
async function bindTo(deps: Deps, worker: Worker, job: Job): Promise<boolean> {
  const pointed = await replaceSeen(deps.stores.workers, worker, serving(worker, job.id));
  if (pointed === undefined) return false;
  const { changed } = await updateJob(deps.stores.jobs, job.id, (current) =>
    isWaiting(current) ? bind(current, worker.id) : undefined,
  );
  if (changed) deps.log.info("worker-given-on", { worker: worker.id, job: job.id });
  else await pointBack(deps, worker.id, worker);
  return changed;
}

/** Somebody else has the job: the worker stands as before. */
async function pointBack(deps: Deps, id: WorkerId, before: Worker): Promise<void> {
  await updateWorker(deps.stores.workers, id, (current) =>
    current.lease === undefined ? serving(current, before.jobId) : undefined,
  );
}

async function isFree(deps: Deps, worker: Worker, job: Job): Promise<boolean> {
  if (!isAlike(worker, job) || worker.state !== "listening" || !canTake(worker, deps.clock.now()))
    return false;
  const own = await deps.stores.jobs.get(worker.jobId);
  return own === undefined || isTerminal(own) || own.workerId !== worker.id;
}

function isAlike(worker: Worker, job: Job): boolean {
  return worker.endpoint === job.endpoint && worker.tenant === job.tenant;
}
