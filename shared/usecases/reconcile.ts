// One bounded pass over what is due: with every event lost it reaches the same end, only slower.
import type { EpochMs, JobId, WorkerId } from "../domain/ids.ts";
import { isTerminal } from "../domain/job.ts";
import { liftHold } from "../domain/job-steps.ts";
import type { DueItem } from "../ports/store.ts";
import type { Deps } from "./deps.ts";
import { dispatchPool } from "./dispatch-pool.ts";
import { releaseCards } from "./release-worker.ts";
import { reviveWorker } from "./revive-worker.ts";
import { askGithub } from "./settle-job.ts";
import { updateJob } from "./update.ts";

export type Reconciled = { readonly looked: number; readonly failed: number };

/** Items looked at in one pass: within Lambda's minute even when each costs a slow GitHub call. */
const PASS_ITEMS = 200;
const AT_ONCE = 8;

/** A failing item does not stop the rest; when any failed the pass fails visibly, after it has done what it could. */
export async function reconcile(deps: Deps): Promise<Reconciled> {
  const faults: unknown[] = [];
  const due = await deps.stores.due.due(deps.clock.now(), PASS_ITEMS);
  for (let at = 0; at < due.length; at += AT_ONCE) {
    const batch = due.slice(at, at + AT_ONCE).map((item) => lookAt(deps, item));
    faults.push(...(await Promise.allSettled(batch)).flatMap(reasonOf));
  }
  const pools = [...deps.pools.keys()];
  const passes = pools.map(async (name) => {
    await repairLedger(deps, name);
    await dispatchPool(deps, name);
  });
  faults.push(...(await Promise.allSettled(passes)).flatMap(reasonOf));
  if (faults.length > 0) {
    throw new AggregateError(faults, `${faults.length} of ${due.length} due items and ${pools.length} pools failed`);
  }
  return { looked: due.length, failed: 0 };
}

async function lookAt(deps: Deps, item: DueItem): Promise<void> {
  if (item.kind === "worker") await lookAtWorker(deps, item.id);
  else await lookAtJob(deps, item.id);
}

async function lookAtWorker(deps: Deps, id: WorkerId): Promise<void> {
  const worker = await deps.stores.workers.get(id);
  if (worker !== undefined && isDue(worker.dueAt, deps)) await reviveWorker(deps, worker);
}

async function lookAtJob(deps: Deps, id: JobId): Promise<void> {
  const now = deps.clock.now();
  const { item: job } = await updateJob(deps.stores.jobs, id, (current) =>
    !isTerminal(current) && current.hold?.until !== undefined && current.hold.until <= now
      ? liftHold(current, now)
      : undefined,
  );
  if (job !== undefined && isDue(job.verifyAt, deps)) await askGithub(deps, job);
}

/** Cards held for a worker that is released or was never written: a crash came between two writes. */
async function repairLedger(deps: Deps, name: Parameters<typeof dispatchPool>[1]): Promise<void> {
  const pool = await deps.stores.pools.get(name);
  for (const id of Object.keys(pool?.reservations ?? {}) as WorkerId[]) {
    const worker = await deps.stores.workers.get(id);
    if (worker === undefined || worker.state === "released") await releaseCards(deps, name, id);
  }
}

function isDue(at: EpochMs | undefined, deps: Pick<Deps, "clock">): boolean {
  return at !== undefined && at <= deps.clock.now();
}

function reasonOf(outcome: PromiseSettledResult<unknown>): unknown[] {
  return outcome.status === "rejected" ? [outcome.reason] : [];
}
