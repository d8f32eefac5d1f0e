// What a written job or worker sets in motion: the table's stream in the cloud, a direct call in one process.
// Runs at least once per change, in any order; each branch looks at the present state, not at the change.
import type { Job } from "../domain/job.ts";
import { isTerminal, isWaiting } from "../domain/job.ts";
import type { Worker } from "../domain/worker.ts";
import type { Change } from "../ports/store.ts";
import type { Deps } from "./deps.ts";
import { dispatchPool } from "./dispatch-pool.ts";
import { laneOf } from "./open-lanes.ts";
import { rebindJob } from "./rebind-job.ts";
import { releaseWorker } from "./release-worker.ts";
import { retireWorker } from "./retire-worker.ts";

/** True for the changes that `handleChange` acts on; the stream's filter lets only these through. */
export function setsInMotion(change: Change): boolean {
  if (change.kind === "worker") return ["finished", "lost", "released"].includes(change.worker.state);
  const { job } = change;
  return isWaiting(job) || needsRebind(job) || (isTerminal(job) && job.workerId !== undefined);
}

export async function handleChange(deps: Deps, change: Change): Promise<void> {
  if (!setsInMotion(change)) return;
  if (change.kind === "worker") await onWorker(deps, change.worker);
  else await onJob(deps, change.job);
}

async function onJob(deps: Deps, seen: Job): Promise<void> {
  const job = await deps.stores.jobs.get(seen.id);
  if (job === undefined) return;
  if (isWaiting(job)) {
    await deps.stores.lanes.register(laneOf(job));
    await dispatchPool(deps, job.pool, [job]);
    return;
  }
  if (needsRebind(job)) await rebindJob(deps, job);
  const ownWorker = job.workerId !== undefined && job.github?.runner?.name === job.workerId;
  if (isTerminal(job) && job.workerId !== undefined && !ownWorker) await retireWorker(deps, job.workerId);
}

async function onWorker(deps: Deps, seen: Worker): Promise<void> {
  const worker = await deps.stores.workers.get(seen.id);
  if (worker === undefined) return;
  if (worker.state === "finished" || worker.state === "lost") await releaseWorker(deps, worker);
  else if (worker.state === "released") await dispatchPool(deps, worker.pool);
}

/** GitHub names a runner, and the job does not yet point to it or the swap is not finished. */
function needsRebind(job: Job): boolean {
  const runner = job.github?.runner?.name;
  return runner !== undefined && (runner !== job.workerId || job.formerWorkerId !== undefined);
}
