// How long a job waits in vain: there is room for all that wait, nobody is there for it, and no fault has been for a while.

import { resolveEndpoint } from "../../../shared/domain/admission/matching.ts";
import { HEARTBEAT_LOST_MS } from "../../../shared/domain/deadlines.ts";
import type { EpochMs } from "../../../shared/domain/ids.ts";
import { githubJobId, tenantId } from "../../../shared/domain/ids.ts";
import { isWaiting } from "../../../shared/domain/job/job.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { isServing } from "../../../shared/domain/worker/worker.ts";
import type { SimJob } from "../outside/github-things.ts";
import { isFree } from "../outside/github-things.ts";
import { catalogueOf, isBeyondQuota, maxCardsOf, poolsOf } from "../scenery.ts";
import type { World } from "../world.ts";

/**
 * Holds after starts that failed, or runners that listened in vain, last 10 minutes; one that tries for others comes
 * before.
 */
const LIMIT_MS = 30 * 60_000;

type Waiting = {
  readonly job: SimJob;
  readonly pool: string;
  readonly endpoint: string;
  readonly cards: number;
};

/** To be called each minute. */
export function createPatience(world: World): () => void {
  const { table, outside, dispatcher, weather, timeline, watch, scene } = world;
  const catalogue = catalogueOf(poolsOf(scene));
  const places = new Map<SimJob, Omit<Waiting, "job">>();
  const since = new Map<SimJob, EpochMs>();
  return tick;

  function tick(): void {
    const { calmSince } = weather;
    if (calmSince === undefined || dispatcher.isAway) since.clear();
    else look(calmSince);
  }

  function look(calmSince: EpochMs): void {
    for (const one of since.keys()) if (!isFree(one)) since.delete(one);
    const waiting = waitingJobs();
    for (const one of waiting) {
      if (isServed(one) || !hasRoom(one, waiting)) since.delete(one.job);
      else wait(one, calmSince);
    }
  }

  function wait({ job, pool }: Waiting, calmSince: EpochMs): void {
    const now = timeline.now();
    const from = since.get(job) ?? now;
    since.set(job, from);
    if (now - Math.max(from, calmSince) < LIMIT_MS) return;
    watch.broken("waits-in-vain", `gh-${job.id} waits for ${(now - from) / 60_000} min: ${pool} has room`);
  }

  function waitingJobs(): Waiting[] {
    const waiting: Waiting[] = [];
    for (const job of outside.github.jobs.values()) {
      if (job.status !== "queued" || !job.isOurs || !isFree(job) || isBeyondQuota(job.base)) continue;
      const place = placeOf(job);
      // One that we have not heard of waits for its delivery, which may be asked for again an hour later.
      const isKnown = table.all.jobs.has(githubJobId(job.id));
      if (place !== undefined && isKnown) waiting.push({ ...place, job });
    }
    return waiting;
  }

  /** Undefined for a step: the worker of its API job is there for it, or nobody. */
  function placeOf(job: SimJob): Omit<Waiting, "job"> | undefined {
    const known = places.get(job);
    if (known !== undefined) return known;
    const resolution = resolveEndpoint(job.base.labels, catalogue);
    if (resolution.type !== "endpoint") return undefined;
    const { pool, name, cards } = resolution.endpoint;
    const place = { pool, endpoint: name, cards };
    places.set(job, place);
    return place;
  }

  /** By a worker that GitHub may give it to, or that will be such. */
  function isServed({ endpoint, job }: Waiting): boolean {
    if (hasLostWorker(job)) return true;
    const tenant = tenantId(job.base.repository.owner.id);
    return outside.living().some(({ id }) => {
      const worker = table.all.workers.get(id);
      if (worker === undefined) return true;
      const isIdle = isServing(worker) && worker.state !== "running";
      if (worker.jobId === githubJobId(job.id) && isSilent(worker, timeline.now())) return true;
      return isIdle && worker.endpoint === endpoint && worker.tenant === tenant;
    });
  }

  /**
   * Whose record is gone, or was written anew only to stop its container, and names no job: nothing tells of its end, and
   * GitHub is asked about a running job only after long.
   */
  function hasLostWorker({ id }: SimJob): boolean {
    const by = table.all.jobs.get(githubJobId(id))?.workerId;
    if (by === undefined) return false;
    const worker = table.all.workers.get(by);
    return worker === undefined || worker.drain?.reason === "no-record";
  }

  /** For it and for all others that wait there, whoever comes first. */
  function hasRoom(one: Waiting, all: readonly Waiting[]): boolean {
    const pool = [...table.all.pools.values()].find(({ name }) => name === one.pool);
    const place = outside.pools.get(one.pool as never);
    if (pool === undefined || place === undefined || pool.trouble !== undefined) return false;
    const used = place.living().reduce((sum, { spec }) => sum + spec.cards, 0);
    const rivals = all.filter((other) => other.pool === one.pool);
    const asked = [...table.all.jobs.values()].filter((job) => job.api !== undefined && isWaiting(job));
    const wanted = [...rivals, ...asked].reduce((sum, { cards }) => sum + cards, 0);
    const { maxWorkers, nodes } = poolsOf(scene).find(({ name }) => name === one.pool) ?? {};
    const workers = place.living().length + rivals.length + asked.length;
    if (used + wanted > pool.total || workers > (maxWorkers ?? Number.POSITIVE_INFINITY)) return false;
    // What is free in all may be free on no single node.
    if (nodes !== undefined && used > 0) return false;
    return isWithinQuota(one, used + wanted);
  }

  function isWithinQuota({ job }: Waiting, cards: number): boolean {
    return cards <= (maxCardsOf(job.base.repository.owner.login) ?? Number.POSITIVE_INFINITY);
  }
}

/** It hangs or is cut off, which from outside looks like a job that runs: the execution limit ends it. */
function isSilent({ heartbeatAt }: Worker, now: EpochMs): boolean {
  return heartbeatAt !== undefined && now - heartbeatAt >= HEARTBEAT_LOST_MS;
}
