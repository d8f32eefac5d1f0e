// What keeps a pool from starting workers for a while: a pass that is under way, and a driver that was away.
import { PASS_LOCK_MS, POOL_PAUSE_MAX_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import { isAhead } from "../time-gate.ts";
import type { Pool } from "./pool.ts";

/** With the lock the holder's; where another pass has it, with a word to that one to look again. */
export function lockedBy(pool: Pool, holder: string, now: EpochMs): Pool {
  if (!isAhead(pool.lock?.until, PASS_LOCK_MS, now)) {
    return { ...pool, lock: { holder, until: now + PASS_LOCK_MS }, dirty: false };
  }
  return pool.dirty ? pool : { ...pool, dirty: true };
}

/** Nothing is changed where another pass has taken it meanwhile. */
export function unlocked(pool: Pool, holder: string | undefined): Pool {
  return pool.lock?.holder === holder ? { ...pool, lock: undefined, dirty: false } : pool;
}

/** No start before this; undefined: now. */
export function awayUntil({ unavailableUntil }: Pool, now: EpochMs): EpochMs | undefined {
  return isAhead(unavailableUntil, POOL_PAUSE_MAX_MS, now) ? unavailableUntil : undefined;
}

/** Its driver was not there. The longer of two pauses counts. */
export function pausedFor(pool: Pool, forMs: number, why: string, now: EpochMs): Pool {
  const until = now + Math.min(forMs, POOL_PAUSE_MAX_MS);
  if ((awayUntil(pool, now) ?? 0) >= until) return pool;
  return { ...pool, unavailableUntil: until, unavailableWhy: why };
}
