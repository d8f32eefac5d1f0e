// What keeps a pool from starting workers for a while: a pass that is under way, and a driver that was away.
import { PASS_LOCK_MS, POOL_PAUSE_MAX_MS } from "../deadlines.ts";
import type { EpochMs, TenantId } from "../ids.ts";
import { isAhead } from "../time-gate.ts";
import type { Away, Pool } from "./pool.ts";

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

/** No start for this tenant, though the pool may start for others; undefined: it may for this one too. */
export function awayFrom({ awayFor = {} }: Pool, tenant: TenantId, now: EpochMs): Away | undefined {
  const away = awayFor[tenant];
  return isAhead(away?.until, POOL_PAUSE_MAX_MS, now) ? away : undefined;
}

/** A worker of this tenant that was there is gone: what was full need not be so any more. */
export function withRoom(pool: Pool, tenant: TenantId): Pool {
  const { unavailableFull, awayFor = {}, ...rest } = pool;
  if (!unavailableFull && !awayFor[tenant]?.full) return pool;
  const others = Object.entries(awayFor).filter(([id, { full }]) => !full || id !== String(tenant));
  return {
    ...rest,
    ...(others.length > 0 && { awayFor: Object.fromEntries(others) }),
    ...(unavailableFull && { unavailableUntil: undefined }),
  };
}

export type Pause = {
  readonly forMs: number;
  readonly why: string;
  /** A worker that goes ends it. */
  readonly full?: true | undefined;
  /** Undefined: the whole pool. */
  readonly tenant?: TenantId | undefined;
};

/** Its driver was not there, or full. The longer of two pauses counts. */
export function pausedFor(pool: Pool, { forMs, why, full, tenant }: Pause, now: EpochMs): Pool {
  const until = now + Math.min(forMs, POOL_PAUSE_MAX_MS);
  const before = tenant === undefined ? awayUntil(pool, now) : awayFrom(pool, tenant, now)?.until;
  if ((before ?? 0) >= until) return pool;
  if (tenant !== undefined) {
    const still = Object.entries(pool.awayFor ?? {}).filter(([, away]) => away.until > now);
    const away: Away = { until, why, ...(full && { full }) };
    return { ...pool, awayFor: { ...Object.fromEntries(still), [tenant]: away } };
  }
  const { unavailableFull: _before, ...rest } = pool;
  return { ...rest, unavailableUntil: until, unavailableWhy: why, ...(full && { unavailableFull: full }) };
}
