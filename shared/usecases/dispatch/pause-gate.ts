// What an operator has paused, where work is given out: by a dispatch pass, or to a worker that is there.

import type { Pauses, Whereabouts } from "../../domain/admission/pauses.ts";
import { hasPausedEndpoints, NO_PAUSES, pauseOf } from "../../domain/admission/pauses.ts";
import type { EndpointName, JobId, PoolName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Lane } from "../../domain/pool/lane.ts";
import type { JobHead, JobStore } from "../../ports/store.ts";
import type { Deps } from "../deps.ts";

/** One item of the table, read strongly: a pause holds from the next pass on. */
export const PAUSES = { kind: "pauses", id: "all" } as const;

/** For one dispatch pass. */
export type PauseGate = {
  /** False: the whole pool is paused, or every job that the pass is called for; the others have had their own call. */
  readonly isOpen: boolean;
  /** Those of the given ones that are not paused. */
  readonly hints: readonly Job[];
  admitsLane(lane: Lane): boolean;
  /** The first `limit` heads of a lane that may start. While an endpoint is paused each job costs one read per process. */
  heads(lane: Lane, limit: number): Promise<JobHead[]>;
};

export async function readPauses(deps: Pick<Deps, "stores">): Promise<Pauses> {
  return (await deps.stores.marks.get(PAUSES.kind, PAUSES.id))?.value ?? NO_PAUSES;
}

/** Asked before a worker that is there is given another job than its own. */
export async function isPaused(deps: Pick<Deps, "stores">, where: Whereabouts): Promise<boolean> {
  const { pool, tenant, endpoint } = where;
  return pauseOf(await readPauses(deps), { pool, tenant, endpoint }) !== undefined;
}

/** `hints`: the jobs that the pass is called for; none: it looks at all. */
export async function openGate(deps: Deps, pool: PoolName, hints: readonly Job[]): Promise<PauseGate> {
  const pauses = await readPauses(deps);
  const { jobs } = deps.stores;
  const known = knownEndpoints(jobs);
  const admitted = hints.filter(
    ({ tenant, endpoint }) => pauseOf(pauses, { pool, tenant, endpoint }) === undefined,
  );
  return {
    isOpen: pauseOf(pauses, { pool }) === undefined && (hints.length === 0 || admitted.length > 0),
    hints: admitted,
    admitsLane: ({ tenant }) => pauseOf(pauses, { pool, tenant }) === undefined,
    heads: (lane, limit) => (hasPausedEndpoints(pauses) ? openHeads(lane, limit) : jobs.heads(lane, limit)),
  };

  /** Reads on behind the jobs of paused endpoints: those of others must not wait for them. */
  async function openHeads(lane: Lane, limit: number): Promise<JobHead[]> {
    for (let asked = limit; ; asked = Math.min(MAX_SEARCHED, 4 * asked)) {
      const heads = await jobs.heads(lane, asked);
      await learn(heads);
      const open = heads.filter(({ id }) => {
        const endpoint = known.get(id);
        return endpoint !== undefined && pauseOf(pauses, { pool, endpoint }) === undefined;
      });
      if (open.length >= limit || heads.length < asked) return open.slice(0, limit);
      if (asked >= MAX_SEARCHED) return tooManyPaused(lane, open);
    }
  }

  async function learn(heads: readonly JobHead[]): Promise<void> {
    const unknown = heads.filter(({ id }) => !known.has(id));
    for (let at = 0; at < unknown.length; at += AT_ONCE) {
      const batch = unknown.slice(at, at + AT_ONCE).map(async ({ id }) => {
        const job = await jobs.get(id);
        if (job !== undefined) known.set(id, job.endpoint);
      });
      await Promise.all(batch);
    }
  }

  function tooManyPaused(lane: Lane, open: JobHead[]): JobHead[] {
    const message =
      `${MAX_SEARCHED - open.length} jobs of paused endpoints stand before the others of this tenant, which wait ` +
      "behind them: resume, or take the endpoint out of dispatch.yaml, or cancel jobs";
    deps.log.warn("paused-jobs-in-the-way", { pool, tenant: lane.tenant, message });
    return open;
  }
}

/**
 * A job never changes its endpoint. Kept over passes: of a thousand that wait in a pause each would cost a read in every
 * one.
 */
function knownEndpoints(jobs: JobStore): Map<JobId, EndpointName> {
  const known = KNOWN.get(jobs) ?? new Map<JobId, EndpointName>();
  if (known.size > MAX_KNOWN) known.clear();
  KNOWN.set(jobs, known);
  return known;
}

const KNOWN = new WeakMap<JobStore, Map<JobId, EndpointName>>();
/** About 3 MB. */
const MAX_KNOWN = 20_000;

/** Heads of a lane that are read for those of endpoints which are not paused: 64 at once in 10 ms each take 0.8 s. */
const MAX_SEARCHED = 5_000;
const AT_ONCE = 64;
