// A job that is due: is it still paired with the worker that it names? Only if no worker answers for it is GitHub asked.
//
// Pairing touches several items, one write each, and others may pair the same workers at the same time. Every such write
// leaves its job due, so that what a crash or a lost race left crooked is put straight here.
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { checkDueAt, isTerminal, nextLookAt } from "../../domain/job/job.ts";
import { requeue } from "../../domain/job/job-steps.ts";
import { isServing } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { answersFor, askGithub } from "../ending/settle-job.ts";
import { rebindJob } from "../pairing/rebind-job.ts";
import { retireWorker } from "../pairing/retire-worker.ts";
import { updateJob } from "../update.ts";

export async function recheckJob(deps: Deps, seen: Job): Promise<void> {
  // GitHub's word on who runs it tells the worker too what it serves.
  if (seen.github?.runner !== undefined) await rebindJob(deps, seen);
  const job = await deps.stores.jobs.get(seen.id);
  if (job === undefined || isTerminal(job) || !isDue(job, deps.clock.now())) return;
  const worker = job.workerId === undefined ? undefined : await deps.stores.workers.get(job.workerId);
  const ifUnchanged = (next: (job: Job) => Job) =>
    updateJob(deps.stores.jobs, job.id, (current) =>
      current.version === job.version ? next(current) : undefined,
    );
  if (answersFor(worker, job)) {
    // A crash came before the worker that it was taken from had been told.
    if (job.formerWorkerId !== undefined) await retireWorker(deps, job.formerWorkerId, job.id);
    await ifUnchanged((current) => paired(current, deps.clock.now()));
  }
  // Its worker has turned to another job, and GitHub has given this one to nobody.
  else if (worker !== undefined && isServing(worker) && job.state === "IN_QUEUE") await ifUnchanged(requeue);
  else await askGithub(deps, job);
}

function paired(job: Job, now: EpochMs): Job {
  return { ...job, formerWorkerId: undefined, verifyAt: nextLookAt(job, now) };
}

function isDue(job: Job, now: EpochMs): boolean {
  const at = checkDueAt(job);
  return at !== undefined && at <= now;
}
