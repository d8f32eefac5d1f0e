// A pool's ledger against the records: cards held by nobody are given back, workers that hold none get theirs.

import type { PoolName, WorkerId } from "../../domain/ids.ts";
import { lifted } from "../../domain/pool/card-trouble.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { uncountable } from "../../domain/pool/pool-gate.ts";
import type { PoolCapacity } from "../../ports/pool-driver.ts";
import type { Deps } from "../deps.ts";
import { holdCards } from "../ending/hold-cards.ts";
import { releaseCards } from "../ending/release-worker.ts";
import { updatePool } from "../update.ts";
import { each } from "./pass/each.ts";

export async function repairLedger(deps: Deps, name: PoolName): Promise<void> {
  const pool = await deps.stores.pools.get(name);
  if (pool === undefined) return;
  await refreshCards(deps, pool);
  const live = await deps.stores.workers.liveIds(name);
  const known = new Set(live);
  const holders = Object.keys(pool.reservations) as WorkerId[];
  // Cards held for a worker that is released or was never written: a crash came between two writes. Who is in the index
  // is not asked for one by one; where that is behind, the next pass sees the end.
  const strangers = holders.filter((id) => !known.has(id));
  await each(strangers, async (id) => {
    const worker = await deps.stores.workers.get(id);
    if (worker === undefined || worker.state === "released") await releaseCards(deps, name, id);
  });
  const cardless = live.filter((id) => pool.reservations[id] === undefined);
  await each(cardless, (id) => holdCards(deps, id));
}

/** One that is away is so for its waiting jobs too, whether or not a start has found it so. */
async function countIn(deps: Deps, { name }: Pool): Promise<PoolCapacity | undefined> {
  try {
    return await deps.pools.get(name)?.driver.capacity();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await updatePool(deps, name, (pool) => uncountable(pool, why, deps.clock.now()));
    throw error;
  }
}

/** Cards were added or taken away, or have been in quarantine for long enough. */
async function refreshCards(deps: Deps, seen: Pool): Promise<void> {
  const total = (await countIn(deps, seen))?.total ?? seen.total;
  const refreshed = (pool: Pool) =>
    lifted(total === pool.total ? pool : { ...pool, total }, deps.clock.now());
  if (refreshed(seen) !== seen) await updatePool(deps, seen.name, refreshed);
}
