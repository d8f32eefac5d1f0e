// What an operator sees: pools with their cards and troubles, who waits, what is paused. Bounded, whatever the queues are.

import type { Pause, Pauses, Place } from "../../domain/admission/pauses.ts";
import { listPauses } from "../../domain/admission/pauses.ts";
import type { EpochMs, PoolName } from "../../domain/ids.ts";
import type { Lane } from "../../domain/pool/lane.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { freeCards, usedBy, usedCards } from "../../domain/pool/pool.ts";
import { awayUntil } from "../../domain/pool/pool-gate.ts";
import { MAX_AHEAD } from "../../domain/waiting/wait-view.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { readPauses } from "../dispatch/pause-gate.ts";

export type OperatorState = {
  readonly pauses: readonly (Place & Pause)[];
  readonly pools: readonly PoolState[];
};

type PoolState = {
  readonly name: string;
  /** False: nothing has ever started there, and nobody has asked the pool for its cards yet. */
  readonly counted: boolean;
  readonly total: number;
  readonly used: number;
  readonly free: number;
  readonly unavailable?: { readonly until: EpochMs; readonly why: string };
  /** Live workers by their state. */
  readonly workers: { readonly [state: string]: number };
  readonly tenants: readonly TenantState[];
  readonly cards: readonly CardState[];
};

type TenantState = {
  readonly tenant: string;
  readonly login: string;
  readonly cards: number;
  readonly workers: number;
  /** Jobs in its lane, at most 100; `more`: there are more than that. */
  readonly waiting: number;
  readonly more: boolean;
};

type CardState = {
  readonly card: string;
  /** Failures in a row. */
  readonly strikes: number;
  readonly lastAt: EpochMs;
  readonly reason: string;
  readonly quarantine: "none" | "timed" | "by-hand";
  /** Of a timed one: when the card is tried again. */
  readonly until?: EpochMs;
};

export async function listState(deps: Deps): Promise<OperatorState> {
  const [pauses, pools] = await Promise.all([
    readPauses(deps),
    Promise.all([...deps.pools.keys()].map((name) => poolState(deps, name))),
  ]);
  return { pauses: pausesOf(pauses), pools };
}

function pausesOf(pauses: Pauses): (Place & Pause)[] {
  return listPauses(pauses).map(({ place, pause }) => ({ ...place, ...pause }));
}

async function poolState(deps: Deps, name: PoolName): Promise<PoolState> {
  const [pool, lanes, workers] = await Promise.all([
    deps.stores.pools.get(name),
    deps.stores.lanes.list(name),
    deps.stores.workers.live(name),
  ]);
  const tenants = await Promise.all(lanes.map((lane) => tenantState(deps, lane, pool)));
  return {
    name,
    counted: pool !== undefined,
    total: pool?.total ?? 0,
    used: pool === undefined ? 0 : usedCards(pool),
    free: pool === undefined ? 0 : freeCards(pool),
    ...unavailableOf(pool, deps.clock.now()),
    workers: countByState(workers),
    tenants: tenants.filter((one) => one.waiting > 0 || one.workers > 0),
    cards: pool === undefined ? [] : cardsOf(pool),
  };
}

function unavailableOf(pool: Pool | undefined, now: EpochMs): Pick<PoolState, "unavailable"> {
  const until = pool && awayUntil(pool, now);
  return until === undefined ? {} : { unavailable: { until, why: pool?.unavailableWhy ?? "" } };
}

function countByState(workers: readonly Worker[]): { [state: string]: number } {
  const counts: { [state: string]: number } = {};
  for (const { state } of workers) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

async function tenantState(deps: Deps, lane: Lane, pool: Pool | undefined): Promise<TenantState> {
  const { length } = await deps.stores.jobs.heads(lane, MAX_AHEAD + 1);
  const used = pool === undefined ? { cards: 0, workers: 0 } : usedBy(pool, lane.tenant);
  const waiting = Math.min(length, MAX_AHEAD);
  return { tenant: lane.tenant, login: lane.login, ...used, waiting, more: length > MAX_AHEAD };
}

function cardsOf({ trouble = {} }: Pool): CardState[] {
  return Object.entries(trouble).map(([card, { strikes, lastAt, reason, until, byHand }]) => {
    const one = { card, strikes, lastAt, reason };
    if (byHand) return { ...one, quarantine: "by-hand" };
    return until === undefined ? { ...one, quarantine: "none" } : { ...one, quarantine: "timed", until };
  });
}
