// What a written job or worker sets in motion: the table's stream in the cloud, a direct call in one process.
// Runs at least once per change, in any order; each branch looks at the present state, not at the change.
import type { Job } from "../domain/job/job.ts";
import { isTerminal, isWaiting } from "../domain/job/job.ts";
import { needsRebind } from "../domain/worker/needs-rebind.ts";
import type { Worker } from "../domain/worker/worker.ts";
import type { Change } from "../ports/store.ts";
import type { Deps } from "./deps.ts";
import { dispatchPool } from "./dispatch/dispatch-pool.ts";
import { registerLane } from "./dispatch/open-lanes.ts";
import { dismissWorker } from "./ending/dismiss-worker.ts";
import { endsProbe, noteProgress } from "./ending/probe-group.ts";
import { releaseWorker } from "./ending/release-worker.ts";
import { rebindJob } from "./pairing/rebind-job.ts";
import { retireWorker } from "./pairing/retire-worker.ts";
import { offerJob } from "./worker-plane/offer-job.ts";

/** True for the changes that `handleChange` acts on; the stream's filter lets only these through. */
export function setsInMotion(change: Change): boolean {
  if (change.kind === "worker") return change.worker.state === "released" || awaitsRelease(change.worker);
  const { job } = change;
  return (
    isWaiting(job) || needsRebind(job) || endsProbe(job) || (isTerminal(job) && job.workerId !== undefined)
  );
}

export async function handleChange(deps: Deps, change: Change): Promise<void> {
  if (!setsInMotion(change)) return;
  if (change.kind === "worker") await onWorker(deps, change.worker);
  else await onJob(deps, change.job);
}

async function onJob(deps: Deps, seen: Job): Promise<void> {
  const job = await deps.stores.jobs.get(seen.id);
  if (job === undefined) return;
  // Another job's pass may have claimed it meanwhile: its repository is to be remembered all the same.
  if (isWaiting(seen) || isWaiting(job)) await registerLane(deps, job);
  if (isWaiting(job)) {
    if (await offerJob(deps, job)) return;
    await dispatchPool(deps, job.pool, [job]);
    return;
  }
  if (job.api !== undefined) return onApiJob(deps, job);
  if (endsProbe(job)) await noteProgress(deps, job);
  if (needsRebind(job)) await rebindJob(deps, job);
  else if (isTerminal(job) && job.workerId !== undefined && job.github?.runner?.name !== job.workerId) {
    await retireWorker(deps, job.workerId, job.id);
  }
}

async function onApiJob(deps: Deps, job: Job): Promise<void> {
  const worker = job.workerId === undefined ? undefined : await deps.stores.workers.get(job.workerId);
  if (worker?.jobId === job.id) await dismissWorker(deps, worker, job);
}

async function onWorker(deps: Deps, seen: Worker): Promise<void> {
  const worker = await deps.stores.workers.get(seen.id);
  if (worker === undefined) return;
  // Its cards may be free though its registration is not yet removed: no reason for others to wait.
  const pending = awaitsRelease(worker) && !(await releaseWorker(deps, worker));
  if (pending || worker.state === "released") await dispatchPool(deps, worker.pool);
}

/**
 * Ended, and its release not yet tried. One that was tried (its container still stopping, GitHub busy) is due later: the
 * write that says so must not set the same release in motion again, or the two would chase each other without a pause.
 */
function awaitsRelease({ state, dueAt, phases }: Worker): boolean {
  return (state === "finished" || state === "lost") && (dueAt ?? 0) <= (phases.done ?? 0);
}
