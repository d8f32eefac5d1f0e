// A warm program without a job ends as soon as a job waits that could have its place: of any endpoint and tenant, a
// workflow job too. It would hold cards, a place of `maxWorkers` or of its tenant's quota for limits.warm.
import type { JobId, PoolName, WorkerId } from "../../domain/ids.ts";
import { hasRunner } from "../../domain/job/api-policy.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { lifted } from "../../domain/pool/card-trouble.ts";
import type { Place } from "../../domain/pool/make-way.ts";
import { chooseLeavers } from "../../domain/pool/make-way.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { release } from "../../domain/pool/pool.ts";
import { awayUntil } from "../../domain/pool/pool-gate.ts";
import type { LaneView } from "../../domain/pool/scheduling.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { canTake, isIdleProgram } from "../../domain/worker/worker-lease.ts";
import { finished, kindFor } from "../../domain/worker/worker-steps.ts";
import type { PoolStore } from "../../ports/store.ts";
import type { Deps, PoolSettings } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateWorker } from "../update.ts";
import { openGate } from "./pause-gate.ts";
import { searchLanes } from "./search-lanes.ts";
import { choiceIn, placesIn } from "./start-choice.ts";

/** `hints`: jobs just written. Whoever comes within LOOK_MS of another look leaves it to the next pass or poll. */
export async function makeWay(deps: Deps, name: PoolName, hints: readonly Job[] = []): Promise<void> {
  const settings = deps.pools.get(name);
  if (settings === undefined || !hasPrograms(deps, name) || !isTimeToLook(deps, name)) return;
  const stored = await deps.stores.pools.get(name);
  if (stored === undefined || !couldStart(deps, stored)) return;
  const pool = lifted(stored, deps.clock.now());
  const live = (await deps.stores.workers.live(name)).filter(({ id }) => pool.reservations[id] !== undefined);
  const idle = live.filter(isIdleProgram).sort(byIdleTime).slice(0, MOST_LOOKED_AT);
  if (idle.length === 0) return;
  const leavers = await leaversOf(deps, { settings, pool, hints, live, idle });
  await Promise.all(idle.filter(({ id }) => leavers.includes(id)).map((worker) => end(deps, worker)));
}

/** Each tries the choice of starts once or twice. */
const MOST_LOOKED_AT = 64;
/** A look reads the pool's workers and heads of its lanes: at most one in this time for each process. */
const LOOK_MS = 1_000;

/** By the store, of which a process has one. */
const LOOKED_AT = new WeakMap<PoolStore, Map<PoolName, number>>();

function isTimeToLook({ stores, clock }: Deps, name: PoolName): boolean {
  const known = LOOKED_AT.get(stores.pools) ?? new Map<PoolName, number>();
  LOOKED_AT.set(stores.pools, known);
  const now = clock.now();
  if (!isOver(known.get(name) ?? 0, LOOK_MS, now)) return false;
  known.set(name, now);
  return true;
}

function hasPrograms({ catalogue }: Deps, name: PoolName): boolean {
  return catalogue.endpoints.some((endpoint) => endpoint.pool === name && !hasRunner(endpoint));
}

/** One that is away could start nobody; one that is full could, in the place of a worker that goes. */
function couldStart({ clock }: Deps, pool: Pool): boolean {
  return pool.unavailableFull === true || awayUntil(pool, clock.now()) === undefined;
}

/** The one that has been idle for longest first. */
function byIdleTime(a: Worker, b: Worker): number {
  return (a.phases.listening ?? a.createdAt) - (b.phases.listening ?? b.createdAt);
}

type Look = {
  readonly settings: PoolSettings;
  readonly pool: Pool;
  readonly hints: readonly Job[];
  readonly live: readonly Worker[];
  readonly idle: readonly Worker[];
};

async function leaversOf(
  deps: Deps,
  { settings, pool, hints, live, idle }: Look,
): Promise<readonly WorkerId[]> {
  const gate = await openGate(deps, settings.name, hints);
  if (!gate.isOpen) return [];
  const leaving = live.filter((worker) => !isServing(worker));
  const now = deps.clock.now();
  const freed = [...leaving, ...idle].reduce((left, { id }) => release(left, id, now), pool);
  const choice = await choiceIn(deps, settings, pool, placesIn(settings, freed));
  const search = { pool: settings.name, hints: gate.hints, tried: new Set<JobId>(), stale: 0, gate };
  const lanes = await searchLanes(deps, freed, search, choice);
  if (lanes.every(({ heads }) => heads.length === 0)) return [];
  const own = await ownJobs(deps, lanes, idle);
  const places = (left: Pool) => placesIn(settings, left);
  const ledger = { pool, lanes, choice, places, leaving: leaving.map(placeOf) };
  return chooseLeavers(ledger, idle.map(placeOf), (job) => own.has(job));
}

function placeOf({ id, cards, plan }: Worker): Place {
  return { id, cards, node: plan?.node };
}

/** The jobs that one of these programs will be given with its next poll. */
async function ownJobs(
  deps: Deps,
  lanes: readonly LaneView[],
  idle: readonly Worker[],
): Promise<ReadonlySet<JobId>> {
  const able = idle.filter((worker) => canTake(worker, deps.clock.now()));
  const tenants = new Set(able.map(({ tenant }) => tenant));
  const heads = lanes.filter(({ lane }) => tenants.has(lane.tenant)).flatMap((lane) => lane.heads);
  const jobs = await Promise.all(heads.map(({ id }) => deps.stores.jobs.get(id)));
  const isOwn = (job: Job | undefined) =>
    job !== undefined &&
    kindFor(job) === "program" &&
    able.some(({ endpoint, tenant }) => endpoint === job.endpoint && tenant === job.tenant);
  return new Set(jobs.filter(isOwn).flatMap((job) => job?.id ?? []));
}

/** Nothing happens when it has been given a job since, or is about to be. */
async function end(deps: Deps, { id }: Worker): Promise<void> {
  const seen = await deps.stores.workers.get(id);
  const own = seen === undefined ? undefined : await deps.stores.jobs.get(seen.jobId);
  if (seen === undefined || (own !== undefined && !isTerminal(own))) return;
  const { changed } = await updateWorker(
    deps.stores.workers,
    id,
    (current) => {
      const step = { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) };
      return current.version === seen.version && isIdleProgram(current)
        ? finished(current, MADE_WAY, step)
        : undefined;
    },
    seen,
  );
  if (changed) deps.log.info("worker-dismissed", { worker: id, job: seen.jobId, reason: "makes-way" });
}

const MADE_WAY = {
  outcome: "idle",
  message: "it had no job, and another one waited for its place",
  runnerExit: undefined,
  jobName: undefined,
  result: undefined,
} as const;
