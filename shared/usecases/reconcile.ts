// One bounded pass over what is due: with every event lost it reaches the same end, only slower.
import type { EpochMs, JobId, PoolName, WorkerId } from "../domain/ids.ts";
import type { Job } from "../domain/job.ts";
import { isTerminal, isWaiting } from "../domain/job.ts";
import { admitted, liftHold } from "../domain/job-steps.ts";
import type { Pool } from "../domain/pool.ts";
import { isServing } from "../domain/worker.ts";
import type { DueItem } from "../ports/store.ts";
import type { ApiDeps } from "./api/api-deps.ts";
import { lookAtApiJob } from "./api/look-at-api-job.ts";
import { sendCallback } from "./api/send-callback.ts";
import type { Deps } from "./deps.ts";
import { dispatchPool } from "./dispatch-pool.ts";
import { registerLane } from "./open-lanes.ts";
import { recheckJob } from "./recheck-job.ts";
import { releaseCards } from "./release-worker.ts";
import { reviveWorker } from "./revive-worker.ts";
import { updateJob } from "./update.ts";

export type Reconciled = { readonly looked: number; readonly failed: number };

/** Items looked at in one pass: within Lambda's minute even when each costs a slow GitHub call. */
const PASS_ITEMS = 200;
const AT_ONCE = 8;

/**
 * A failing item does not stop the rest; when any failed the pass fails visibly, after it has done what it could.
 * `aheadMs`: look that far ahead too, after a restart of the only process: what a pass left half done is nobody's now.
 */
export async function reconcile(deps: ApiDeps, { aheadMs = 0 } = {}): Promise<Reconciled> {
  const faults: unknown[] = [];
  const ended: Job[] = [];
  const due = await deps.stores.due.due(deps.clock.now() + aheadMs, PASS_ITEMS);
  for (let at = 0; at < due.length; at += AT_ONCE) {
    const batch = due.slice(at, at + AT_ONCE).map((item) => lookAt(deps, item, aheadMs, ended));
    faults.push(...(await Promise.allSettled(batch)).flatMap(reasonOf));
  }
  const pools = [...deps.pools.keys()];
  const passes = pools.map(async (name) => {
    await repairLedger(deps, name);
    await noticeEnded(deps, name);
    await dispatchPool(deps, name);
  });
  // Last and all at once: a receiver that does not answer takes its 10 s of one pass, and keeps nothing else waiting.
  const callbacks = ended.map((job) => sendCallback(deps, job));
  faults.push(...(await Promise.allSettled([...passes, ...callbacks])).flatMap(reasonOf));
  if (faults.length > 0) {
    throw new AggregateError(
      faults,
      `${faults.length} of ${due.length} due items and ${pools.length} pools failed`,
    );
  }
  return { looked: due.length, failed: 0 };
}

/** `ended`: takes up the jobs that have ended and still owe somebody a callback. */
async function lookAt(deps: Deps, item: DueItem, aheadMs: number, ended: Job[]): Promise<void> {
  const until = deps.clock.now() + aheadMs;
  if (item.kind === "job") return lookAtJob(deps, item.id, until, ended);
  const worker = await deps.stores.workers.get(item.id);
  if (worker?.dueAt !== undefined && worker.dueAt <= until) await reviveWorker(deps, worker);
}

async function lookAtJob(deps: Deps, id: JobId, until: EpochMs, ended: Job[]): Promise<void> {
  const now = deps.clock.now();
  const found = await deps.stores.jobs.get(id);
  const seen = found?.api === undefined ? found : await lookAtApiJob(deps, found);
  if (seen === undefined) return;
  if (isTerminal(seen)) {
    ended.push(seen);
    return;
  }
  // Before the write that says so: a crash between leaves the job due.
  if (isWaiting(seen) && isBy(seen.admitAt, until)) await registerLane(deps, seen);
  const { item: job } = await updateJob(deps.stores.jobs, id, (current) => {
    if (isTerminal(current)) return undefined;
    if (isBy(current.hold?.until, now)) return liftHold(current, now);
    return isWaiting(current) && isBy(current.admitAt, until) ? admitted(current) : undefined;
  });
  if (job !== undefined && job.api === undefined && isBy(job.verifyAt, now)) await recheckJob(deps, job);
}

/** Containers that ended by themselves while their workers are not known to have. */
async function noticeEnded(deps: Deps, name: PoolName): Promise<void> {
  const driver = deps.pools.get(name)?.driver;
  for (const id of (await driver?.ended()) ?? []) {
    const worker = await deps.stores.workers.get(id);
    // One that is still `reserving` has its start resumed, which finds the container.
    if (worker !== undefined && isServing(worker) && worker.state !== "reserving")
      await reviveWorker(deps, worker);
  }
}

/** Cards held for a worker that is released or was never written: a crash came between two writes. */
async function repairLedger(deps: Deps, name: PoolName): Promise<void> {
  const pool = await deps.stores.pools.get(name);
  if (pool !== undefined) await refreshTotal(deps, pool);
  for (const id of Object.keys(pool?.reservations ?? {}) as WorkerId[]) {
    const worker = await deps.stores.workers.get(id);
    if (worker === undefined || worker.state === "released") await releaseCards(deps, name, id);
  }
}

/** Cards were added or taken away, on the host or in dispatch.yaml. A lost race is made up for by the next pass. */
async function refreshTotal(deps: Deps, pool: Pool): Promise<void> {
  const capacity = await deps.pools.get(pool.name)?.driver.capacity();
  if (capacity === undefined || capacity.total === pool.total) return;
  await deps.stores.pools.replace({ ...pool, version: pool.version + 1, total: capacity.total });
}

function isBy(at: EpochMs | undefined, time: EpochMs): boolean {
  return at !== undefined && at <= time;
}

function reasonOf(outcome: PromiseSettledResult<unknown>): unknown[] {
  return outcome.status === "rejected" ? [outcome.reason] : [];
}
