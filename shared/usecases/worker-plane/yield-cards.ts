// A program that could take a further job of its tenant ends instead, where its cards are another tenant's turn, or that of
// a job of its own tenant's other endpoints that has waited long: served on and on, it would keep them for PROGRAM_LIFE_MS
// whatever others wait (measured: 24.1 h for a job of one card).
import { AGING_MS } from "../../domain/deadlines.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import { laneOrder, waitingSince } from "../../domain/pool/lane.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { release } from "../../domain/pool/pool.ts";
import { awayUntil } from "../../domain/pool/pool-gate.ts";
import type { LaneView } from "../../domain/pool/scheduling.ts";
import { chooseStarts } from "../../domain/pool/scheduling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isIdleProgram } from "../../domain/worker/worker-lease.ts";
import { finished, kindFor } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { knownLanes, openLanes } from "../dispatch/open-lanes.ts";
import { openGate } from "../dispatch/pause-gate.ts";
import { updateWorker } from "../update.ts";

/** For an idle program and the job that it would be given. True: it is not to be given any. */
export async function yieldCards(deps: Deps, worker: Worker, job: Job): Promise<boolean> {
  if (!(await isOthersTurn(deps, worker, job))) return false;
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) => {
    const step = { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) };
    return isIdleProgram(current) ? finished(current, YIELDED, step) : undefined;
  });
  if (changed) deps.log.info("worker-dismissed", { worker: worker.id, job: worker.jobId, reason: "yields" });
  return true;
}

const YIELDED = {
  outcome: "idle",
  message: "its cards went to another job, whose turn it was",
  runnerExit: undefined,
  jobName: undefined,
  result: undefined,
} as const;

/** Were its cards free, the choice of starts would not give them to this job. Where nobody else waits: a read per lane. */
async function isOthersTurn(deps: Deps, worker: Worker, job: Job): Promise<boolean> {
  const { pool: name, tenant } = worker;
  const now = deps.clock.now();
  const pool = await deps.stores.pools.get(name);
  // A worker without a reservation has nothing to yield, and a pool that is away could start nobody else.
  if (pool?.reservations[worker.id] === undefined || awayUntil(pool, now) !== undefined) return false;
  const others = await waitingLanes(deps, worker);
  const before = await passedOver(deps, worker, job);
  if (others.length === 0 && before.length === 0) return false;
  const lane = (await knownLanes(deps, name, [])).find((one) => one.tenant === tenant);
  if (lane === undefined) return false;
  const itself = { lane, heads: [...before, headOf(job)] };
  const views = await openLanes(deps, [...others, itself]);
  if (!views.some((view) => view.lane === lane)) return false;
  const freed = release(pool, worker.id, now);
  const starts = chooseStarts(freed, views, {
    namedCards: deps.pools.get(name)?.driver.capabilities.namedCards ?? false,
    limit: placesIn(deps, freed),
    now,
    // Which node it is on is not known here. At worst it ends for a large job that its node has no room for.
    nodes: undefined,
  });
  return !starts.some((start) => start.jobId === job.id);
}

function headOf(job: Job): LaneView["heads"][number] {
  return { id: job.id, cards: job.cards, order: laneOrder(job) };
}

/** Before it in its lane, for other endpoints, and there for so long that nobody may go before it any more. */
async function passedOver(deps: Deps, worker: Worker, job: Job): Promise<LaneView["heads"]> {
  const now = deps.clock.now();
  const gate = await openGate(deps, worker.pool, []);
  const heads = await gate.heads({ ...worker, login: "" }, HEADS);
  const older = heads.filter(({ order }) => order < laneOrder(job) && now - waitingSince(order) >= AGING_MS);
  const jobs = await Promise.all(older.map(({ id }) => deps.stores.jobs.get(id)));
  const isAnother = (one: Job) => one.endpoint !== worker.endpoint || kindFor(one) !== "program";
  return jobs.flatMap((one) => (one !== undefined && isWaiting(one) && isAnother(one) ? [headOf(one)] : []));
}

/** Enough of a lane to take what is free beside the cards of one worker. */
const HEADS = 8;

/** Of other tenants, with their first jobs; those that have none, or are paused, are left out. */
async function waitingLanes(
  deps: Deps,
  { pool, tenant }: Worker,
): Promise<Pick<LaneView, "lane" | "heads">[]> {
  const lanes = (await deps.stores.lanes.list(pool)).filter((lane) => lane.tenant !== tenant);
  if (lanes.length === 0) return [];
  const gate = await openGate(deps, pool, []);
  const open = lanes.filter((lane) => gate.admitsLane(lane));
  const filled = await Promise.all(
    open.map(async (lane) => ({ lane, heads: await gate.heads(lane, HEADS) })),
  );
  return filled.filter(({ heads }) => heads.length > 0);
}

function placesIn(deps: Deps, { name, reservations }: Pool): number {
  const limit = deps.pools.get(name)?.maxWorkers ?? Number.POSITIVE_INFINITY;
  return limit - Object.keys(reservations).length;
}
