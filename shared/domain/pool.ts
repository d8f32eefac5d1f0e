// A pool's ledger: which worker holds how many cards, and by which tenant. The sums are derived, so they cannot drift.
import type { EpochMs, PoolName, TenantId, WorkerId } from "./ids.ts";

export type Reservation = {
  readonly tenant: TenantId;
  readonly cards: number;
  /** Card indices, where the pool's cards are numbered; else empty. */
  readonly slots: readonly number[];
};

export type Pool = {
  readonly name: PoolName;
  readonly version: number;
  /** Cards in all, from the configuration or the driver. */
  readonly total: number;
  readonly reservations: { readonly [workerId: string]: Reservation };
  /** One dispatch pass at a time: who holds it, until when. */
  readonly lease: { readonly holder: string; readonly until: EpochMs } | undefined;
  /** A trigger came while the lease was held: the holder loops. */
  readonly dirty: boolean;
  /** The driver answered "unavailable": no start before this. */
  readonly unavailableUntil: EpochMs | undefined;
};

export function newPool(name: PoolName, total: number): Pool {
  return {
    name,
    version: 0,
    total,
    reservations: {},
    lease: undefined,
    dirty: false,
    unavailableUntil: undefined,
  };
}

export function usedCards(pool: Pool): number {
  return Object.values(pool.reservations).reduce((sum, entry) => sum + entry.cards, 0);
}

export function freeCards(pool: Pool): number {
  return Math.max(0, pool.total - usedCards(pool));
}

export function usedBy(pool: Pool, tenant: TenantId): { readonly cards: number; readonly workers: number } {
  const held = Object.values(pool.reservations).filter((entry) => entry.tenant === tenant);
  return { cards: held.reduce((sum, entry) => sum + entry.cards, 0), workers: held.length };
}

/** The lowest free card indices; undefined when fewer than `count` are free. */
export function freeSlots(pool: Pool, count: number): number[] | undefined {
  const taken = new Set(Object.values(pool.reservations).flatMap((entry) => entry.slots));
  const free: number[] = [];
  for (let slot = 0; slot < pool.total && free.length < count; slot++) {
    if (!taken.has(slot)) free.push(slot);
  }
  return free.length === count ? free : undefined;
}

export function reserve(pool: Pool, workerId: WorkerId, reservation: Reservation): Pool {
  return { ...pool, reservations: { ...pool.reservations, [workerId]: reservation } };
}

/** Gives back what the worker holds; a second release changes nothing. */
export function release(pool: Pool, workerId: WorkerId): Pool {
  const { [workerId]: _gone, ...rest } = pool.reservations;
  return { ...pool, reservations: rest };
}
