// Worker items first, then their cards in one write of the pool: a crash between leaves items that the reconciler releases.

import type { EpochMs } from "../../domain/ids.ts";
import { newWorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import type { Balance } from "../../domain/pool/balance.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { freeCards, reserve, sharedBy } from "../../domain/pool/pool.ts";
import type { Start } from "../../domain/pool/scheduling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { newWorker } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { runnerScope } from "../deps.ts";
import { mayProbe } from "../ending/probe-group.ts";
import { markReleased } from "../ending/release-worker.ts";
import { endpointInPlace } from "./place-job.ts";

export type Reserved = { readonly worker: Worker; readonly job: Job };

const WORKER_ID_RANDOM = 12;

/**
 * Ends the pass's lease in the same write. `rivals`: whose jobs wait for cards after it.
 * `dirty`: a trigger came meanwhile, look again.
 */
export async function reserveWorkers(
  deps: Deps,
  pool: Pool,
  starts: readonly Start[],
  rivals: Balance["rivals"],
): Promise<{ reserved: Reserved[]; dirty: boolean }> {
  const created = await Promise.all(starts.map((start) => createWorker(deps, start)));
  let wanted = created.filter((one) => one !== undefined);
  let current = pool;
  for (;;) {
    const now = deps.clock.now();
    const { next, refused } = withReservations(sharedBy(current, rivals, now), wanted, now);
    if (await deps.stores.pools.replace(next)) {
      const reserved = wanted.filter((one) => !refused.has(one.worker.id));
      const dropped = wanted.filter((one) => refused.has(one.worker.id));
      await Promise.all(dropped.map(({ worker }) => markReleased(deps, worker.id)));
      return { reserved, dirty: current.dirty };
    }
    const reloaded = await deps.stores.pools.get(pool.name);
    if (reloaded === undefined) return { reserved: [], dirty: false };
    current = reloaded;
    wanted = wanted.filter((one) => current.reservations[one.worker.id] === undefined);
  }
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
  let next: Pool = { ...pool, version: pool.version + 1, lease: undefined, dirty: false };
  for (const { worker } of wanted) {
    const { tenant, cards, slots } = worker;
    const taken = new Set(Object.values(next.reservations).flatMap((entry) => entry.slots));
    if (cards > freeCards(next) || slots.some((slot) => taken.has(slot))) refused.add(worker.id);
    else next = reserve(next, worker.id, { tenant, cards, slots }, now);
  }
  return { next, refused };
}
