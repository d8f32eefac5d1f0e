// A worker whose job no longer needs it goes to the next equal demand in its lane; only if there is none is it drained.
import { canServe } from "../domain/binding.ts";
import { GITHUB_RECHECK_MS } from "../domain/deadlines.ts";
import type { JobId, WorkerId } from "../domain/ids.ts";
import type { Job } from "../domain/job.ts";
import { isWaiting } from "../domain/job.ts";
import { bind } from "../domain/job-steps.ts";
import type { Worker } from "../domain/worker.ts";
import { draining, lost, serving } from "../domain/worker-steps.ts";
import type { Deps } from "./deps.ts";
import { limitsOf, runnerScope } from "./deps.ts";
import { updateJob, updateWorker } from "./update.ts";

/** How many waiting jobs of the lane are looked at for one that this worker's labels fit. */
const EQUALS_SEARCHED = 20;

/** `from`: the job that needs it no more; nothing happens when the worker has moved on from it already. */
export async function retireWorker(deps: Deps, id: WorkerId, from: JobId): Promise<void> {
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined || worker.jobId !== from || worker.state === "running") return;
  if (await giveToEqual(deps, worker)) return;
  const { item, changed } = await updateWorker(deps.stores.workers, id, (current) => {
    if (current.state === "running") return undefined;
    const step = { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) };
    // Without a registration GitHub cannot have given it a job: it need not be asked, and from now on it gets none.
    return current.registered ? draining(current, "surplus", step) : lost(current, step);
  });
  if (!changed || item === undefined) return;
  const event = item.state === "lost" ? "worker-recalled" : "worker-draining";
  deps.log.info(event, { worker: id, job: from, reason: "surplus" });
}

async function giveToEqual(deps: Deps, worker: Worker): Promise<boolean> {
  const lane = { pool: worker.pool, tenant: worker.tenant };
  let from = worker.jobId;
  for (const head of await deps.stores.jobs.heads(lane, EQUALS_SEARCHED)) {
    const job = await deps.stores.jobs.get(head.id);
    if (job === undefined || !isWaiting(job) || !isFree(deps, worker, job)) continue;
    // The worker first: a crash between the two leaves a job that still waits, not one bound to a worker that forgot it.
    const pointed = await updateWorker(deps.stores.workers, worker.id, (current) =>
      current.jobId === from && isFree(deps, current, job) ? serving(current, job.id) : undefined,
    );
    if (!pointed.changed) return false;
    from = job.id;
    const bound = await updateJob(deps.stores.jobs, job.id, (current) =>
      isWaiting(current)
        ? { ...bind(current, worker.id), verifyAt: deps.clock.now() + GITHUB_RECHECK_MS }
        : undefined,
    );
    if (!bound.changed) continue;
    deps.log.info("worker-given-on", { worker: worker.id, job: job.id });
    return true;
  }
  return false;
}

/** One that was asked to drain may already be ending. */
function isFree(deps: Deps, worker: Worker, job: Job): boolean {
  return worker.drain === undefined && canServe(worker, job, runnerScope(deps, job));
}
