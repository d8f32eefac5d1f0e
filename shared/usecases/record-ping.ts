// A ping keeps the worker's lease, tells its phase, and is the only way a worker is asked to drain.
import { HEARTBEAT_WRITE_MS } from "../domain/deadlines.ts";
import type { WorkerId } from "../domain/ids.ts";
import type { Worker, WorkerPhase } from "../domain/worker.ts";
import { reported, workerDueAt } from "../domain/worker-steps.ts";
import type { Deps } from "./deps.ts";
import { limitsOf } from "./deps.ts";
import { updateWorker } from "./update.ts";

export type Ping = { readonly phase: WorkerPhase | undefined; readonly jobName: string | undefined };

/** Answers the reason to drain, if there is one; undefined for a worker that may go on. */
export async function recordPing(deps: Deps, id: WorkerId, ping: Ping): Promise<string | undefined> {
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined) return undefined;
  const { phase } = ping;
  if (phase !== undefined) {
    const { item, changed } = await updateWorker(deps.stores.workers, id, (current) =>
      reported(current, { phase, jobName: ping.jobName }, stepOf(deps, current)),
    );
    if (changed && item !== undefined) {
      deps.log.info("worker-phase", { worker: id, job: item.jobId, phase, endpoint: item.endpoint });
      return item.drain?.reason;
    }
  }
  await beat(deps, worker);
  return worker.drain?.reason;
}

async function beat(deps: Deps, worker: Worker): Promise<void> {
  const { now, limits } = stepOf(deps, worker);
  if (now - (worker.heartbeatAt ?? 0) < HEARTBEAT_WRITE_MS) return;
  const dueAt = workerDueAt({ ...worker, heartbeatAt: now }, limits) ?? now;
  await deps.stores.workers.heartbeat(worker.id, now, dueAt);
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
