// An API job that needs its worker no more: ended at once when the job was cancelled or ran too long, else left to end.
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { isSameLease, unleased } from "../../domain/worker/worker-lease.ts";
import { draining, recalled } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateWorker } from "../update.ts";

/**
 * For an API worker and its job. Answers whether the worker was changed. Its release, with TERM, a grace and KILL,
 * follows from the write; meanwhile its stop poll is answered with the job, for programs that stop one by themselves.
 */
export async function dismissWorker(deps: Deps, seen: Worker, job: Job | undefined): Promise<boolean> {
  if (!isServing(seen) || !isOver(seen, job)) return false;
  const { item, changed } = await updateWorker(deps.stores.workers, seen.id, (worker) => {
    if (!isServing(worker) || !isAsSeen(worker, seen)) return undefined;
    const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
    // Its start is under way, and takes it down: a stop that overtakes that would find nothing to stop.
    if (worker.state === "reserving") return draining(worker, "job-ended", step);
    if (worker.kind === "program") return afterJob(worker, job, step);
    // A registered runner is asked, unless somebody wanted its job stopped: GitHub may have given it another one just now.
    return worker.registered && !isToBeStopped(worker, job)
      ? draining(worker, "job-ended", step)
      : recalled(worker, "job-ended", step);
  });
  if (!changed || item === undefined) return false;
  const event = isServing(item) ? "worker-let-go" : "worker-recalled";
  deps.log.info(event, { worker: item.id, job: item.jobId, state: job?.state, reason: job?.end?.reason });
  return true;
}

/** It has not turned to another job since, nor to another life of this one: what is over is the one before. */
function isAsSeen(worker: Worker, seen: Worker): boolean {
  return worker.jobId === seen.jobId && isSameLease(worker.lease, seen.lease);
}

/** It has ended, another worker has it, or `/retry` has made it a job that this worker was never given. */
function isOver(worker: Worker, job: Job | undefined): boolean {
  if (job === undefined) return true;
  if (isTerminal(job)) return worker.jobId === job.id;
  if (job.workerId !== undefined) return job.workerId !== worker.id;
  // Unclaimed: a program's lease is written before the claim, and so is any worker.
  if (worker.kind === "program") return isOfFormerGeneration(worker, job);
  return worker.state !== "reserving";
}

function isOfFormerGeneration({ lease }: Worker, job: Job): boolean {
  return lease !== undefined && lease.generation !== job.api?.generation;
}

/** Somebody may still want its result. */
function hasEndedByItself(job: Job | undefined): boolean {
  return job?.state === "COMPLETED" || job?.state === "FAILED";
}

/** By `/cancel`, `/purge-queue` or its execution limit. A ttl and the end of its run count only while nothing runs. */
function isToBeStopped(worker: Worker, job: Job | undefined): boolean {
  const reason = job?.end?.reason;
  if (reason === "execution-timeout") return true;
  return (reason === "cancelled" || reason === "cancelled-before-pickup") && !servesAnother(worker, job);
}

/**
 * A workflow step's cancel ends no job of another repository; with a PAT the runner is where that one's owner may
 * register.
 */
function servesAnother({ binding }: Worker, job: Job | undefined): boolean {
  const { repositoryId, runner } = job?.api ?? {};
  if (binding === undefined || repositoryId === undefined) return false;
  const isOfPat = runner?.sealedPat !== undefined || runner?.patErased === true;
  return !isOfPat && binding.started.repositoryId !== repositoryId;
}

/**
 * A program may serve another job, unless it is at work on this one (it may be, before its first ping too) or has not
 * begun to ask.
 */
function afterJob(
  worker: Worker,
  job: Job | undefined,
  step: Parameters<typeof recalled>[2],
): Worker | undefined {
  const { lease } = worker;
  if (lease === undefined)
    return worker.state === "listening" ? undefined : recalled(worker, "job-ended", step);
  return hasEndedByItself(job) ? unleased(worker, lease, step) : recalled(worker, "job-ended", step);
}
