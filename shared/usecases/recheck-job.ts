// A job that is due: is it still paired with the worker that it names? Only if no worker answers for it is GitHub asked.
//
// Pairing touches several items, one write each, and others may be pairing the same workers at the same time. Every such
// write leaves its job due, so that what a crash or a lost race left crooked is put straight here.
import type { Job } from "../domain/job.ts";
import { isTerminal } from "../domain/job.ts";
import { requeue } from "../domain/job-steps.ts";
import { isServing } from "../domain/worker.ts";
import type { Deps } from "./deps.ts";
import { needsRebind, rebindJob } from "./rebind-job.ts";
import { askGithub } from "./settle-job.ts";
import { updateJob } from "./update.ts";

export async function recheckJob(deps: Deps, seen: Job): Promise<void> {
  // By GitHub's word, which also tells the worker what it serves.
  if (seen.github?.runner !== undefined) await rebindJob(deps, seen);
  const job = await deps.stores.jobs.get(seen.id);
  if (job === undefined || isTerminal(job)) return;
  const worker = job.workerId === undefined ? undefined : await deps.stores.workers.get(job.workerId);
  if (worker === undefined || !isServing(worker)) {
    await askGithub(deps, job);
    return;
  }
  await updateJob(deps.stores.jobs, job.id, (current) => {
    if (current.version !== job.version) return undefined;
    if (worker.jobId === current.id) return settled(current);
    // Its worker has turned to another job, and GitHub names no runner for this one.
    return current.state === "IN_QUEUE" ? requeue(current) : undefined;
  });
  if (needsRebind(job) && job.verifyAt !== undefined) await askGithub(deps, job);
}

function settled(job: Job): Job {
  return { ...job, version: job.version + 1, formerWorkerId: undefined, verifyAt: undefined };
}
