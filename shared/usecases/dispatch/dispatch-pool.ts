// One dispatch pass over a pool: who may start, in the crash-safe order worker item, cards, claim, start.
//
// One pass at a time per pool, by a lock in the pool item. A trigger that finds it held sets `dirty`, and the holder
// loops. The lock saves work, it does not guard safety: cards and claims are conditional writes of their own. What is
// being started is bounded too (start-slots.ts): for those who are turned away there, a start that ends looks again.
import type { Endpoint } from "../../domain/admission/endpoint.ts";
import type { JobId, PoolName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { lifted } from "../../domain/pool/card-trouble.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { freeCards, newPool } from "../../domain/pool/pool.ts";
import { awayUntil, lockedBy, uncountable } from "../../domain/pool/pool-gate.ts";
import type { Choice, LaneView, Start } from "../../domain/pool/scheduling.ts";
import { chooseStarts, rivalsAfter } from "../../domain/pool/scheduling.ts";
import type { Deps, PoolSettings } from "../deps.ts";
import { updatePool } from "../update.ts";
import { admitStarts, returnUnused } from "./admit-starts.ts";
import { makeWay } from "./make-way.ts";
import { mayHaveNewRivals, noteRivals } from "./note-rivals.ts";
import { openGate } from "./pause-gate.ts";
import type { Reserved } from "./reserve-workers.ts";
import { reserveWorkers } from "./reserve-workers.ts";
import { searchLanes } from "./search-lanes.ts";
import { choiceIn, placesIn, ROUND_STARTS } from "./start-choice.ts";
import type { StartSlots } from "./start-slots.ts";
import { startSlots } from "./start-slots.ts";
import { claimAndStart } from "./start-worker.ts";

const MAX_ROUNDS = 50;
/** Jobs started in the last rounds, which an index may still show: it is behind by less than the time of two. */
const STALE_HEADS = 2 * ROUND_STARTS;

/** `hints`: jobs just written, which an index may not show yet. Answers how many workers were started. */
export async function dispatchPool(deps: Deps, name: PoolName, hints: readonly Job[] = []): Promise<number> {
  const settings = deps.pools.get(name);
  if (settings === undefined) {
    deps.log.error("pool-unknown", {
      pool: name,
      message: `no pool "${name}" in dispatch.yaml: its jobs wait`,
    });
    return 0;
  }
  let started = 0;
  // A stale index goes on showing a job that is already claimed: no job is tried twice in one pass.
  const tried = new Set<JobId>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const outcome = await passOnce(deps, settings, hints, tried);
    started += outcome.started;
    if (!outcome.again) break;
  }
  await makeWay(deps, name, hints);
  return started;
}

type Round = { readonly started: number; readonly again: boolean };
const NOTHING: Round = { started: 0, again: false };

async function passOnce(
  deps: Deps,
  settings: PoolSettings,
  hints: readonly Job[],
  tried: Set<JobId>,
): Promise<Round> {
  const seen = await loadPool(deps, settings);
  const now = deps.clock.now();
  const wanted = roomOf(deps, seen, settings, now);
  if (wanted === 0 && !mayHaveNewRivals(seen, hints, now)) return NOTHING;
  const slots = startSlots(deps, settings);
  const room = Math.min(wanted, slots.free());
  if (room < wanted) slots.turnAway();
  if (room === 0 && wanted > 0) return NOTHING;
  const gate = await openGate(deps, settings.name, hints);
  if (!gate.isOpen) return NOTHING;
  const choice = await choiceIn(deps, settings, seen, room);
  const stale = Math.min(tried.size, STALE_HEADS);
  const search = { pool: settings.name, hints: gate.hints, tried, stale, gate };
  const lanes = await searchLanes(deps, seen, search, choice);
  if (chooseStarts(seen, lanes, choice).length === 0) {
    await noteRivals(deps, seen, rivalsAfter(seen, lanes, [], choice));
    return NOTHING;
  }
  const pool = await acquire(deps, seen);
  if (pool === undefined) return NOTHING;
  // Other passes of this process may have taken slots since.
  const still: Choice = { ...choice, limit: Math.min(room, slots.free()) };
  const starts = chooseStarts(pool, lanes, still);
  const taken = slots.take(starts.length);
  try {
    const { reserved, dirty, unused } = await reserve(deps, { pool, lanes, starts, tried, choice: still });
    taken.keep(reserved.length);
    const started = await startAll(deps, reserved, { slots, leave: taken.leave, name: settings.name });
    await unused(started);
    const someLost = started.length < starts.length;
    return { started: started.length, again: dirty || someLost || starts.length === ROUND_STARTS };
  } finally {
    taken.keep(0);
  }
}

type Chosen = {
  readonly pool: Pool;
  readonly lanes: readonly LaneView[];
  readonly starts: readonly Start[];
  readonly tried: Set<JobId>;
  readonly choice: Choice;
};

/** `unused`: gives back what was granted for those that have not started. */
async function reserve(deps: Deps, { pool, lanes, starts, tried, choice }: Chosen) {
  const admitted = await admitStarts(deps, starts);
  const heldBack = new Set(admitted.heldBack);
  for (const start of starts) if (!heldBack.has(start)) tried.add(start.jobId);
  const admittedStarts = admitted.candidates.map((one) => one.start);
  const heldOwners = new Set(admitted.heldBack.map(({ tenant }) => tenant));
  const others = lanes.filter(({ lane }) => !heldOwners.has(lane.tenant));
  const rivals = rivalsAfter(pool, others, admittedStarts, choice);
  const { reserved, dirty } = await reserveWorkers(deps, pool, admittedStarts, rivals);
  return { reserved, dirty, unused: (started: readonly Job[]) => returnUnused(deps, admitted, started) };
}

type Leaving = { readonly slots: StartSlots; readonly leave: () => void; readonly name: PoolName };

/**
 * Starts them side by side; one that fails does not stop the others, and still fails the pass. Answers the jobs that have
 * one.
 */
async function startAll(
  deps: Deps,
  reserved: readonly Reserved[],
  { slots, leave, name }: Leaving,
): Promise<Job[]> {
  const refills: Promise<unknown>[] = [];
  const start = async (one: Reserved) => {
    try {
      return await claimAndStart(deps, one);
    } finally {
      leave();
      if (slots.isToRefill()) refills.push(dispatchPool(deps, name));
    }
  };
  const outcomes = await Promise.allSettled(reserved.map(start));
  const refilled = await Promise.allSettled(refills);
  const faults = [...outcomes, ...refilled].flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  if (faults.length > 0) {
    throw new AggregateError(faults, `${faults.length} of ${reserved.length} workers could not be started`);
  }
  return reserved.flatMap(({ job }, at) => {
    const outcome = outcomes[at];
    return outcome?.status === "fulfilled" && outcome.value === "started" ? [job] : [];
  });
}

/** How many workers may start in this round. Where all need cards and none is free, the lanes need no look. */
function roomOf(deps: Deps, pool: Pool, settings: PoolSettings, now: number): number {
  if (awayUntil(pool, now) !== undefined) return 0;
  const isCardless = ({ pool: name, cards }: Endpoint) => name === pool.name && cards === 0;
  if (freeCards(pool) === 0 && !deps.catalogue.endpoints.some(isCardless)) return 0;
  return placesIn(settings, pool);
}

/** As it is stored, without quarantines that are over. */
export async function loadPool(deps: Deps, settings: PoolSettings): Promise<Pool> {
  const known = await deps.stores.pools.get(settings.name);
  if (known !== undefined) return lifted(known, deps.clock.now());
  const fresh = await freshPool(deps, settings);
  if (await deps.stores.pools.create(fresh)) return fresh;
  return (await deps.stores.pools.get(settings.name)) ?? fresh;
}

/** One that cannot be counted has no cards until a pass has counted it, and its jobs say why. */
async function freshPool({ clock }: Deps, { name, driver }: PoolSettings): Promise<Pool> {
  try {
    return { ...newPool(name, (await driver.capacity()).total), version: 1 };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ...uncountable(newPool(name, 0), why, clock.now()), version: 1 };
  }
}

/** The pool with the lock ours; undefined when another pass holds it and will look again for us. */
async function acquire(deps: Deps, seen: Pool): Promise<Pool | undefined> {
  const holder = deps.random.token(10);
  const outcome = await updatePool(deps, seen.name, (pool) => lockedBy(pool, holder, deps.clock.now()), seen);
  return outcome.type === "done" && outcome.pool.lock?.holder === holder ? outcome.pool : undefined;
}
