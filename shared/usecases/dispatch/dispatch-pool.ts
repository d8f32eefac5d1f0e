// One dispatch pass over a pool: who may start, in the crash-safe order worker item, cards, claim, start.
//
// One pass at a time per pool, by a lease in the pool item. A trigger that finds it held sets `dirty`, and the holder
// loops. The lease saves work, it does not guard safety: cards and claims are conditional writes of their own.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import { PASS_LEASE_MS } from "../../domain/deadlines.ts";
import type { JobId, PoolName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { lifted } from "../../domain/pool/card-trouble.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { freeCards, newPool } from "../../domain/pool/pool.ts";
import type { Choice } from "../../domain/pool/scheduling.ts";
import { chooseStarts, rivalsAfter } from "../../domain/pool/scheduling.ts";
import type { Deps, PoolSettings } from "../deps.ts";
import { admitStarts, returnUnused } from "./admit-starts.ts";
import { mayHaveNewRivals, noteRivals } from "./note-rivals.ts";
import { openGate } from "./pause-gate.ts";
import { healthyNodes } from "./pool-nodes.ts";
import type { Reserved } from "./reserve-workers.ts";
import { reserveWorkers } from "./reserve-workers.ts";
import { searchLanes } from "./search-lanes.ts";
import { claimAndStart } from "./start-worker.ts";

/** Starts of one round: enough to fill a large node at once, few enough to end well within the lease. */
const ROUND_STARTS = 64;
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
  return started;
}

const NOTHING = { started: 0, again: false };

async function passOnce(deps: Deps, settings: PoolSettings, hints: readonly Job[], tried: Set<JobId>) {
  const seen = await loadPool(deps, settings);
  const now = deps.clock.now();
  const room = roomOf(deps, seen, settings, now);
  if (room === 0 && !mayHaveNewRivals(seen, hints, now)) return NOTHING;
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
  const starts = chooseStarts(pool, lanes, choice);
  const admitted = await admitStarts(deps, starts);
  const heldBack = new Set(admitted.heldBack);
  for (const start of starts) if (!heldBack.has(start)) tried.add(start.jobId);
  const admittedStarts = admitted.candidates.map((one) => one.start);
  const heldOwners = new Set(admitted.heldBack.map(({ tenant }) => tenant));
  const others = lanes.filter(({ lane }) => !heldOwners.has(lane.tenant));
  const rivals = rivalsAfter(pool, others, admittedStarts, choice);
  const { reserved, dirty } = await reserveWorkers(deps, pool, admittedStarts, rivals);
  const started = await startAll(deps, reserved);
  await returnUnused(deps, admitted, started);
  const someLost = started.length < starts.length;
  return { started: started.length, again: dirty || someLost || starts.length === ROUND_STARTS };
}

async function choiceIn(deps: Deps, settings: PoolSettings, seen: Pool, limit: number): Promise<Choice> {
  const nodes = await healthyNodes(deps, settings, seen);
  return { namedCards: settings.driver.capabilities.namedCards, limit, now: deps.clock.now(), nodes };
}

/** Starts them side by side; one that fails does not stop the others, and still fails the pass. Answers the jobs that have one. */
async function startAll(deps: Deps, reserved: readonly Reserved[]): Promise<Job[]> {
  const outcomes = await Promise.allSettled(reserved.map((one) => claimAndStart(deps, one)));
  const faults = outcomes.filter((outcome) => outcome.status === "rejected").map((outcome) => outcome.reason);
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
  if ((pool.unavailableUntil ?? 0) > now) return 0;
  const isCardless = ({ pool: name, cards }: Endpoint) => name === pool.name && cards === 0;
  if (freeCards(pool) === 0 && !deps.catalogue.endpoints.some(isCardless)) return 0;
  const workers = Object.keys(pool.reservations).length;
  const places = (settings.maxWorkers ?? Number.POSITIVE_INFINITY) - workers;
  return Math.max(0, Math.min(ROUND_STARTS, places));
}

async function loadPool(deps: Deps, settings: PoolSettings): Promise<Pool> {
  const known = await deps.stores.pools.get(settings.name);
  if (known !== undefined) return lifted(known, deps.clock.now());
  const { total } = await settings.driver.capacity();
  const fresh = { ...newPool(settings.name, total), version: 1 };
  if (await deps.stores.pools.create(fresh)) return fresh;
  return (await deps.stores.pools.get(settings.name)) ?? fresh;
}

/** The pool with the lease ours; undefined when another pass holds it and will look again for us. */
async function acquire(deps: Deps, seen: Pool): Promise<Pool | undefined> {
  let pool: Pool | undefined = seen;
  while (pool !== undefined) {
    const now = deps.clock.now();
    const held: boolean = pool.lease !== undefined && pool.lease.until > now;
    if (held && pool.dirty) return undefined;
    const next: Pool = held
      ? { ...pool, version: pool.version + 1, dirty: true }
      : {
          ...pool,
          version: pool.version + 1,
          dirty: false,
          lease: { holder: deps.random.token(10), until: now + PASS_LEASE_MS },
        };
    if (await deps.stores.pools.replace(next)) return held ? undefined : next;
    pool = await deps.stores.pools.get(pool.name);
  }
  return undefined;
}
