// Worker items first, then their cards in one write of the pool: a crash between leaves items that the reconciler releases.

import type { EpochMs } from "../../domain/ids.ts";
import { newWorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import type { Balance } from "../../domain/pool/balance.ts";
import type { Pool, Reservation } from "../../domain/pool/pool.ts";
import { freeCards, reserveAll, sharedBy } from "../../domain/pool/pool.ts";
import { unlocked } from "../../domain/pool/pool-gate.ts";
import type { Start } from "../../domain/pool/scheduling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { newWorker } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { runnerScope } from "../deps.ts";
import { mayProbe } from "../ending/probe-group.ts";
import { markReleased } from "../ending/release-worker.ts";
import { updatePool } from "../update.ts";
import { endpointInPlace } from "./place-job.ts";

export type Reserved = { readonly worker: Worker; readonly job: Job };

const WORKER_ID_RANDOM = 12;

/**
 * Ends the pass's lock in the same write. `rivals`: whose jobs wait for cards after it.
 * `dirty`: a trigger came meanwhile, look again.
 */
export async function reserveWorkers(
  deps: Deps,
  pool: Pool,
  starts: readonly Start[],
  rivals: Balance["rivals"],
): Promise<{ reserved: Reserved[]; dirty: boolean }> {
  const created = await Promise.all(starts.map((start) => createWorker(deps, start)));
  const wanted = created.filter((one) => one !== undefined);
  const holder = pool.lock?.holder;
  let refused: ReadonlySet<string> = new Set();
  let dirty = false;
  const step = (current: Pool) => {
    const now = deps.clock.now();
    const after = withReservations(sharedBy(current, rivals, now), wanted, now);
    refused = after.refused;
    dirty = current.dirty && current.lock?.holder === holder;
    return unlocked(after.next, holder);
  };
  const outcome = await updatePool(deps, pool.name, step, pool);
  const isWritten = outcome.type === "done";
  const isDropped = ({ worker }: Reserved) => !isWritten || refused.has(worker.id);
  await Promise.all(wanted.filter(isDropped).map(({ worker }) => markReleased(deps, worker.id)));
  return { reserved: wanted.filter((one) => !isDropped(one)), dirty: isWritten && dirty };
}

async function createWorker(deps: Deps, start: Start): Promise<Reserved | undefined> {
  const job = await deps.stores.jobs.get(start.jobId);
  if (job === undefined || !isWaiting(job)) return undefined;
  const endpoint = await endpointInPlace(deps, job);
  if (endpoint === undefined || !(await mayProbe(deps, job))) return undefined;
  const id = newWorkerId(deps.deployment, deps.random.token(WORKER_ID_RANDOM));
  const scope = runnerScope(deps, job);
  const { slots, plan } = start;
  const worker = newWorker(id, { job, endpoint, slots, plan, scope, now: deps.clock.now() });
  await deps.stores.workers.create(worker);
  return { worker, job };
}

/** Somebody may have changed the pool since the choice was made: each reservation must still fit. */
function withReservations(
  pool: Pool,
  wanted: readonly Reserved[],
  now: EpochMs,
): { next: Pool; refused: Set<string> } {
  const refused = new Set<string>();
  const more: { [workerId: string]: Reservation } = {};
  const taken = new Set(Object.values(pool.reservations).flatMap((entry) => entry.slots));
  let free = freeCards(pool);
  for (const { worker } of wanted) {
    const { id, tenant, cards, slots } = worker;
    if (cards > free || slots.some((slot) => taken.has(slot))) {
      refused.add(id);
      continue;
    }
    more[id] = { tenant, cards, slots };
    free -= cards;
    for (const slot of slots) taken.add(slot);
  }
  return { next: reserveAll(pool, more, now), refused };
}
