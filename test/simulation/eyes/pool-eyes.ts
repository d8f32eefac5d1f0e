// An eye for each pool: one process's passes over several pools meet, and each decision is judged by what its own pass saw.
//
// A job is read for its own pool. A mark names no pool: it is told to those whose pass has begun to look at its chosen
// jobs, which it does at once for all of them, so that nothing of a decision is cut off.
import type { PoolName } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import type { ScenePool } from "../scenery.ts";
import type { DecisionEyeOptions } from "./decision-eye.ts";
import { withDecisionEye } from "./decision-eye.ts";

export type PoolEyesOptions = DecisionEyeOptions & {
  readonly pools: readonly ScenePool[];
  readonly poolOf: (id: Job["id"]) => PoolName | undefined;
};

export function withPoolEyes(stores: Stores, options: PoolEyesOptions): Stores {
  // Which node a job fits on is its pool's choice too: no second reading of that here.
  const watched = options.pools.filter(({ nodes }) => nodes === undefined);
  if (options.pools.length === 1) return withDecisionEye(stores, options);
  const told = { ...stores, marks: { ...stores.marks, get: async () => undefined } };
  const eyes = new Map(watched.map(({ name }) => [name, withDecisionEye(told, options)]));
  const looking = new Set<PoolName>();
  const { jobs, lanes, marks, pools, workers } = stores;
  const seenBy = (pool: PoolName): Stores => eyes.get(pool) ?? stores;
  return {
    ...stores,
    lanes: { ...lanes, list: (pool) => seenBy(pool).lanes.list(pool) },
    jobs: {
      ...jobs,
      heads: (lane, limit) => seenBy(lane.pool).jobs.heads(lane, limit),
      get(id) {
        const pool = options.poolOf(id);
        if (pool === undefined) return jobs.get(id);
        if (eyes.has(pool)) looking.add(pool);
        return seenBy(pool).jobs.get(id);
      },
    },
    marks: {
      ...marks,
      get(kind, id) {
        for (const pool of looking) void eyes.get(pool)?.marks.get(kind, id);
        return marks.get(kind, id);
      },
    },
    pools: {
      ...pools,
      replace(next) {
        looking.delete(next.name);
        return seenBy(next.name).pools.replace(next);
      },
    },
    workers: { ...workers, create: (worker) => seenBy(worker.pool).workers.create(worker) },
  };
}
