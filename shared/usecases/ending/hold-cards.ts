// The cards of a worker that is at work and holds none in its pool's ledger: it was adopted, or its pool's record was lost.
import type { WorkerId } from "../../domain/ids.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { freeCards, reserve } from "../../domain/pool/pool.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { updatePool } from "../update.ts";

/** Answers whether it holds them now. Not so where others hold them all: then they are its own again once they are free. */
export async function holdCards(deps: Deps, id: WorkerId): Promise<boolean> {
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined || !isAtWork(worker)) return false;
  const { tenant, cards, slots } = worker;
  const outcome = await updatePool(deps, worker.pool, (pool) => {
    if (pool.reservations[id] !== undefined || cards > freeCards(pool)) return pool;
    return reserve(pool, id, { tenant, cards, slots: freeOf(pool, slots) }, deps.clock.now());
  });
  return outcome.type === "done" && outcome.pool.reservations[id] !== undefined;
}

/** It has booted, so its cards are in use, whoever else may think that they have them. */
function isAtWork(worker: Worker): boolean {
  return isServing(worker) && worker.state !== "reserving" && worker.state !== "starting";
}

/** A slot that another worker holds by now is not written twice. */
function freeOf(pool: Pool, slots: readonly number[]): number[] {
  const taken = new Set(Object.values(pool.reservations).flatMap((entry) => entry.slots));
  return slots.filter((slot) => !taken.has(slot));
}
