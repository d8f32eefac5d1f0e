// Eyes for the calls of processes that share their stores: what a call does is seen by its own.
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import type { Random } from "../../../shared/ports/random.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import type { Caller } from "../engine/processes.ts";
import type { PoolEyesOptions } from "./pool-eyes.ts";
import { withPoolEyes } from "./pool-eyes.ts";

export type CallEyes = {
  /** From now on this caller's passes are judged. Answers the chance that names their locks. */
  look(caller: Caller, own: { readonly now: () => number; readonly random: Random }): Random;
  /** The stores of a process, the same object for all its calls. */
  watched(stores: Stores): Stores;
};

export type CallEyesOptions = Pick<PoolEyesOptions, "tenants" | "pools" | "poolOf" | "onDecision"> & {
  /** Whose call goes on. */
  readonly current: () => Caller | undefined;
};

type Sight = Pick<PoolEyesOptions, "now" | "callOf" | "isOwn">;

export function createCallEyes({ current, ...common }: CallEyesOptions): CallEyes {
  const sights = new Map<Caller, Sight>();
  const callers = new Map<string, Caller>();
  return {
    look(caller, { now, random }) {
      const isOwn = (holder: string) => callers.get(holder) === caller;
      sights.set(caller, { now, callOf: () => caller.calls, isOwn });
      const token = (length: number): string => {
        const drawn = random.token(length);
        callers.set(drawn, caller);
        return drawn;
      };
      return { fraction: random.fraction, token };
    },
    watched,
  };

  function watched(stores: Stores): Stores {
    const eyes = new Map<Caller, Stores>();
    const { jobs, lanes, marks, pools, workers } = stores;
    return {
      ...stores,
      lanes: { ...lanes, list: (pool) => seen().lanes.list(pool) },
      jobs: {
        ...jobs,
        heads: (lane, limit) => seen().jobs.heads(lane, limit),
        get: (id) => seen().jobs.get(id),
      },
      marks: { ...marks, get: (kind, id) => seen().marks.get(kind, id) },
      // Calls of one process write a pool together: that a pass has its lock is for the call that the pass belongs to.
      pools: {
        ...pools,
        replace: (next) => seen(holderOf(next)).pools.replace(next),
      },
      workers: { ...workers, create: (worker) => seen().workers.create(worker) },
    };

    function holderOf({ lock }: Pool): Caller | undefined {
      const caller = current();
      const holder = callers.get(lock?.holder ?? "");
      return holder !== undefined && holder.life === caller?.life ? holder : caller;
    }

    function seen(caller = current()): Stores {
      const sight = caller === undefined ? undefined : sights.get(caller);
      if (caller === undefined || sight === undefined) return stores;
      const known = eyes.get(caller);
      if (known !== undefined) return known;
      const own = withPoolEyes(stores, { ...common, ...sight });
      eyes.set(caller, own);
      return own;
    }
  }
}
