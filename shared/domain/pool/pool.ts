// A pool's ledger: which worker holds how many cards, and by which tenant. The sums are derived, so they cannot drift.

import type { EpochMs, PoolName, TenantId, WorkerId } from "../ids.ts";
import type { Balance, Loads } from "./balance.ts";
import { settled, withRivals } from "./balance.ts";

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
  readonly lock: { readonly holder: string; readonly until: EpochMs } | undefined;
  /** A trigger came while the lock was held: the holder loops. */
  readonly dirty: boolean;
  /** The driver answered "unavailable": no start before this. */
  readonly unavailableUntil: EpochMs | undefined;
  /** Its words then, for people. Absent: none. */
  readonly unavailableWhy?: string;
  /** Since when it is away, over all pauses in a row. Absent: it was for lack of room, or in records of before. */
  readonly unavailableSince?: EpochMs;
  /** It was for lack of room, which a worker that goes may make. Absent: not so. */
  readonly unavailableFull?: true;
  /** Tenants whose part of the pool answered so: a namespace of their own. Absent: none. */
  readonly awayFor?: { readonly [tenant: string]: Away };
  /** Cards that failed a worker's preflight, by slot, or by `node/device` where the pool names no slots. Absent: none. */
  readonly trouble?: { readonly [card: string]: CardTrouble };
  /** How long a worker holds a card, on the average of late; ms. Absent: none was given back yet. */
  readonly heldMs?: number;
  /** Absent: nobody has had to share its cards lately. */
  readonly balance?: Balance;
};

export type Away = { readonly until: EpochMs; readonly why: string; readonly full?: true };

/** One machine of the pool. `free` is the pool's own count: others may use it too. */
export type PoolNode = { readonly name: string; readonly total: number; readonly free: number };

/** One that takes nothing now (cordoned, not ready), with the cards that it has. */
export type RestingNode = { readonly name: string; readonly cards: number };

export type CardTrouble = {
  readonly strikes: number;
  readonly lastAt: EpochMs;
  /** The last worker's words. */
  readonly reason: string;
  /** In quarantine until then: given to nobody. Undefined: struck, still in use, and chosen last. */
  readonly until: EpochMs | undefined;
  /** An operator put it there, and lifts it: neither time nor a job does. Absent: the card's own failures did. */
  readonly byHand?: true;
};

export function newPool(name: PoolName, total: number): Pool {
  return {
    name,
    version: 0,
    total,
    reservations: {},
    lock: undefined,
    dirty: false,
    unavailableUntil: undefined,
  };
}

export function usedCards(pool: Pool): number {
  return Object.values(pool.reservations).reduce((sum, entry) => sum + entry.cards, 0);
}

export function freeCards(pool: Pool): number {
  return Math.max(0, pool.total - usedCards(pool) - idleInQuarantine(pool));
}

/** Cards that a job can ever have as things are: all but those in quarantine. */
export function usableCards(pool: Pool): number {
  return pool.total - quarantinedSlots(pool).length;
}

function quarantinedSlots({ trouble = {}, total }: Pool): number[] {
  return Object.keys(trouble)
    .filter((card) => trouble[card]?.until !== undefined)
    .map(Number)
    .filter((slot) => slot < total);
}

/** One that is still held counts as used already. */
function idleInQuarantine(pool: Pool): number {
  const slots = quarantinedSlots(pool);
  if (slots.length === 0) return 0;
  const held = heldSlots(pool);
  return slots.filter((slot) => !held.has(slot)).length;
}

export type Use = { readonly cards: number; readonly workers: number };

export function usedBy(pool: Pool, tenant: TenantId): Use {
  const held = Object.values(pool.reservations).filter((entry) => entry.tenant === tenant);
  return { cards: held.reduce((sum, entry) => sum + entry.cards, 0), workers: held.length };
}

/** In cards; card-less work (CPU endpoints) counts as one, or it would never be anybody's share. */
export function loadOf({ cards, workers }: Use): number {
  return Math.max(cards, workers);
}

/** The pool with its balance up to now: before any change of who holds what. */
export function balanced(pool: Pool, now: EpochMs): Pool {
  return pool.balance === undefined ? pool : { ...pool, balance: settled(pool.balance, loadsIn(pool), now) };
}

/** From now on these share its cards. */
export function sharedBy(pool: Pool, rivals: Balance["rivals"], now: EpochMs): Pool {
  const { balance: before, ...rest } = balanced(pool, now);
  const balance = withRivals(before, rivals, now);
  return balance === undefined ? rest : { ...rest, balance };
}

/** In one go over the reservations: there may be thousands, of hundreds of tenants. */
function loadsIn({ reservations }: Pool): Loads {
  const uses = new Map<TenantId, Use>();
  for (const { tenant, cards } of Object.values(reservations)) {
    const before = uses.get(tenant) ?? { cards: 0, workers: 0 };
    uses.set(tenant, { cards: before.cards + cards, workers: before.workers + 1 });
  }
  return new Map([...uses].map(([tenant, use]) => [tenant, loadOf(use)]));
}

/** Card indices that may be given away, the lowest first, those with a strike last. */
export function freeSlots(pool: Pool): number[] {
  const taken = heldSlots(pool);
  const { trouble = {} } = pool;
  const free: number[] = [];
  const struck: number[] = [];
  for (let slot = 0; slot < pool.total; slot++) {
    const its = trouble[slot];
    if (taken.has(slot) || its?.until !== undefined) continue;
    (its === undefined ? free : struck).push(slot);
  }
  return [...free, ...struck];
}

function heldSlots(pool: Pool): Set<number> {
  return new Set(Object.values(pool.reservations).flatMap((entry) => entry.slots));
}

export function reserve(pool: Pool, workerId: WorkerId, reservation: Reservation, now: EpochMs): Pool {
  return reserveAll(pool, { [workerId]: reservation }, now);
}

export function reserveAll(pool: Pool, more: Pool["reservations"], now: EpochMs): Pool {
  return { ...balanced(pool, now), reservations: { ...pool.reservations, ...more } };
}

/** Gives back what the worker holds; a second release changes nothing. */
export function release(pool: Pool, workerId: WorkerId, now: EpochMs): Pool {
  const { [workerId]: _gone, ...rest } = pool.reservations;
  return { ...balanced(pool, now), reservations: rest };
}
