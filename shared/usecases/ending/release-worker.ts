// After a worker's end: its container gone, its job settled, its cards free, its runner registration removed.
// Every step may be repeated; the worker is marked `released` last, so that a crash leaves it due.

import {
  GITHUB_QUEUE_MS,
  GITHUB_RECHECK_MS,
  POOL_CONTENDED_MS,
  REMOVAL_RETRY_MAX_MS,
  STOPPING_RECHECK_MS,
} from "../../domain/deadlines.ts";
import type { EpochMs, PoolName, WorkerId } from "../../domain/ids.ts";
import { cleared, struck } from "../../domain/pool/card-trouble.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { release } from "../../domain/pool/pool.ts";
import { withRoom } from "../../domain/pool/pool-gate.ts";
import { paced } from "../../domain/pool/wait-estimate.ts";
import { blamedCards, heldCards } from "../../domain/worker/blamed-cards.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { graceMs, released } from "../../domain/worker/worker-steps.ts";
import { blamesCards } from "../../domain/worker-report.ts";
import type { Deps } from "../deps.ts";
import { updatePool, updateWorker } from "../update.ts";
import { locateCards } from "./locate-cards.ts";
import { nameStopper } from "./name-stopper.ts";
import { removeOwnRegistration } from "./remove-registration.ts";
import { settleJob } from "./settle-job.ts";

/** It is tried again after a quarter of the time that it has already lasted. */
const REMOVAL_RETRIES_PER_AGE = 4;

/** `finished` and `lost` workers only; answers whether it is released now. */
export async function releaseWorker(deps: Deps, worker: Worker): Promise<boolean> {
  if (worker.state !== "finished" && worker.state !== "lost") return worker.state === "released";
  const driver = deps.pools.get(worker.pool)?.driver;
  const located = await nameStopper(deps, await locateCards(deps, worker));
  const seen = (await driver?.stop(worker.id, graceMs(worker))) ?? "gone";
  if (seen === "stopping") {
    await lookAgain(deps, worker, STOPPING_RECHECK_MS);
    return false;
  }
  const isFree = await releaseCards(deps, worker.pool, worker.id, (pool) =>
    withRoomOf(worker, timed(deps, judged(deps, pool, located), worker)),
  );
  if (!isFree) {
    await lookAgain(deps, worker, POOL_CONTENDED_MS);
    return false;
  }
  await settleJob(deps, located);
  const removal = await removeOwnRegistration(deps, worker);
  if (removal.type !== "gone" && !isLeftToGithub(worker, deps.clock.now())) {
    const laterMs = removal.type === "later" ? (removal.retryAfterMs ?? 0) : 0;
    await lookAgain(deps, worker, Math.max(laterMs, removalRetryMs(worker, deps.clock.now())));
    return false;
  }
  // The change of its end and the reconciler may both be at it: one of them marks it, and says so.
  if (await markReleased(deps, worker.id)) note(deps, located);
  return true;
}

function note({ log }: Deps, { id, jobId, pool, report, lostWhy }: Worker): void {
  log.info("worker-released", {
    worker: id,
    job: jobId,
    pool,
    reason: report?.outcome ?? "no report",
    message: [report?.message, lostWhy].filter((words) => words).join(" ") || undefined,
  });
}

/** False when it was released before. */
export async function markReleased(deps: Pick<Deps, "stores">, id: WorkerId): Promise<boolean> {
  const { changed } = await updateWorker(deps.stores.workers, id, (worker) =>
    worker.state === "released" ? undefined : released(worker),
  );
  return changed;
}

/**
 * Gives the worker's cards back, with a verdict on them in the same write; nothing is written when it holds none. False
 * when other processes wrote the pool first again and again: it holds them still.
 */
export async function releaseCards(
  deps: Deps,
  name: PoolName,
  id: WorkerId,
  judge: (pool: Pool) => Pool = (pool) => pool,
): Promise<boolean> {
  const outcome = await updatePool(deps, name, (pool) =>
    pool.reservations[id] === undefined ? pool : judge(release(pool, id, deps.clock.now())),
  );
  return outcome.type !== "contended";
}

/** A start that failed, however often, says nothing of how long the cards are held by a job. */
function timed({ clock }: Deps, pool: Pool, { cards, phases, createdAt }: Worker): Pool {
  if (phases.listening === undefined && phases.running === undefined) return pool;
  return paced(pool, { cards, workers: 1 }, clock.now() - createdAt);
}

/** A start that failed has taken no room, and makes none. */
function withRoomOf({ tenant, phases }: Worker, pool: Pool): Pool {
  return phases.booting === undefined ? pool : withRoom(pool, tenant);
}

/** What the worker's end says of its cards: they failed its preflight, they ran a job, or nothing. */
function judged({ clock, log }: Deps, pool: Pool, worker: Worker): Pool {
  const { id, report } = worker;
  const cards = heldCards(worker);
  if (report === undefined || cards.length === 0) return pool;
  if (report.outcome === "ran") return cleared(pool, cards);
  if (!blamesCards(report)) return pool;
  const bad = blamedCards(worker);
  const next = struck(pool, bad, report.message, clock.now());
  for (const card of bad) {
    const { until, byHand } = next.trouble?.[card] ?? {};
    if (until === undefined || byHand) continue;
    const message = `card ${card} is given to nobody until ${new Date(until).toISOString()}: ${report.message}`;
    log.warn("card-quarantined", { pool: pool.name, worker: id, message });
  }
  return next;
}

/** GitHub holds a registration until it gives up the job that it counts on it, which may take minutes or hours. */
function removalRetryMs({ phases, createdAt }: Worker, now: EpochMs): number {
  const sinceMs = now - (phases.done ?? createdAt);
  return Math.min(Math.max(sinceMs / REMOVAL_RETRIES_PER_AGE, GITHUB_RECHECK_MS), REMOVAL_RETRY_MAX_MS);
}

/** An idle registration is removed by GitHub after a day. */
function isLeftToGithub({ phases, createdAt }: Worker, now: EpochMs): boolean {
  return now - (phases.done ?? createdAt) >= GITHUB_QUEUE_MS;
}

async function lookAgain(deps: Deps, worker: Worker, afterMs: number): Promise<void> {
  const dueAt = deps.clock.now() + afterMs;
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.state === "released" ? undefined : { ...current, dueAt },
  );
}
