// Who shares a pool that is full: tenants come, and jobs are cancelled, while nothing can start.

import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Balance } from "../../domain/pool/balance.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { sharedBy } from "../../domain/pool/pool.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { Deps } from "../deps.ts";
import { updatePool } from "../update.ts";

/** A tenant that waits no longer must not save up for longer than this. */
const RIVALS_OLD_MS = 60_000;

/** After a look that starts nothing: a write only where others share than before, and once a minute. */
export async function noteRivals(deps: Deps, seen: Pool, rivals: Balance["rivals"]): Promise<void> {
  const now = deps.clock.now();
  const next = sharedBy(seen, rivals, now);
  const isNews = JSON.stringify(sorted(next)) !== JSON.stringify(sorted(seen));
  if (!isNews || (hasRivals(seen) && !areRivalsOld(seen, now))) return;
  await updatePool(deps, seen.name, (pool) => sharedBy(pool, rivals, now), seen);
}

/** Whether a pool without room is worth a look: its rivals may have gone, or one of these jobs is of a new one. */
export function mayHaveNewRivals(pool: Pool, hints: readonly Job[], now: EpochMs): boolean {
  const holders = Object.values(pool.reservations).map(({ tenant }) => tenant);
  const isNew = ({ tenant }: Job) =>
    pool.balance?.rivals[tenant] === undefined && holders.some((holder) => holder !== tenant);
  return areRivalsOld(pool, now) || hints.some(isNew);
}

function areRivalsOld(pool: Pool, now: EpochMs): boolean {
  return hasRivals(pool) && isOver(pool.balance?.at ?? now, RIVALS_OLD_MS, now);
}

function hasRivals({ balance }: Pool): boolean {
  return Object.keys(balance?.rivals ?? {}).length > 0;
}

function sorted({ balance }: Pool): [string, number][] {
  return Object.entries(balance?.rivals ?? {}).sort();
}
