// A worker whose job no longer needs it goes to the next equal demand in its lane; only if there is none is it drained.
import { canServe } from "../domain/binding.ts";
import type { WorkerId } from "../domain/ids.ts";
import { isWaiting } from "../domain/job.ts";
import { bind } from "../domain/job-steps.ts";
import type { Worker } from "../domain/worker.ts";
import { draining, scopeOf, serving } from "../domain/worker-steps.ts";
import type { Deps } from "./deps.ts";
import { limitsOf } from "./deps.ts";
import { updateWorker } from "./update.ts";

/** How many waiting jobs of the lane are looked at for one that this worker's labels fit. */
const EQUALS_SEARCHED = 20;

export async function retireWorker(deps: Deps, id: WorkerId): Promise<void> {
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined || worker.state === "running" || worker.state === "released") return;
  if (await giveToEqual(deps, worker)) return;
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  const { changed } = await updateWorker(deps.stores.workers, id, (current) =>
    draining(current, "surplus", step),
  );
  if (changed) deps.log.info("worker-draining", { worker: id, job: worker.jobId, reason: "surplus" });
}

async function giveToEqual(deps: Deps, worker: Worker): Promise<boolean> {
  // One that was asked to drain may already be ending.
  if (worker.drain !== undefined || worker.state === "finished" || worker.state === "lost") return false;
  const lane = { pool: worker.pool, tenant: worker.tenant };
  for (const head of await deps.stores.jobs.heads(lane, EQUALS_SEARCHED)) {
    const job = await deps.stores.jobs.get(head.id);
    if (job === undefined || !isWaiting(job) || !canServe(worker, job, scopeOf(job))) continue;
    if (!(await deps.stores.jobs.replace(bind(job, worker.id)))) continue;
    await updateWorker(deps.stores.workers, worker.id, (current) => serving(current, job.id));
    deps.log.info("worker-given-on", { worker: worker.id, job: job.id });
    return true;
  }
  return false;
}
