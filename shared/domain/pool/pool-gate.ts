// What keeps a pool from starting workers for a while: a pass that is under way, and a driver that was away.
import {
  PASS_LOCK_MS,
  PAUSE_OVERLAP_MS,
  POOL_PAUSE_MAX_MS,
  POOL_RETRY_MS,
  SAME_OUTAGE_MS,
} from "../deadlines.ts";
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

/** What people are told of it: also until it was asked again. */
export type Outage = { readonly until: EpochMs; readonly since: EpochMs | undefined };

export function outageOf(pool: Pool, now: EpochMs): Outage | undefined {
  const { unavailableSince: since } = pool;
  const until =
    awayUntil(pool, now) ?? (since === undefined ? undefined : awayUntil(pool, now - PAUSE_OVERLAP_MS));
  return until === undefined ? undefined : { until, since };
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
  const { unavailableFull: _before, unavailableSince: since = now, ...rest } = pool;
  const isSame = isAhead(pool.unavailableUntil, POOL_PAUSE_MAX_MS, now - SAME_OUTAGE_MS);
  return {
    ...rest,
    unavailableUntil: until,
    unavailableWhy: why,
    ...(full ? { unavailableFull: full } : { unavailableSince: isSame ? since : now }),
  };
}

/** It cannot even be counted: as a start that found it away. Written anew only when that pause is half over. */
export function uncountable(pool: Pool, why: string, now: EpochMs): Pool {
  const isNoted = (awayUntil(pool, now) ?? 0) - now > POOL_RETRY_MS / 2;
  return isNoted ? pool : pausedFor(pool, { forMs: POOL_RETRY_MS, why }, now);
}
