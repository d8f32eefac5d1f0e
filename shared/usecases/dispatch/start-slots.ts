// How many starts of a pool are under way at once in this process: a driver that is slow or away is met by a few of them,
// and not by all that wait. Each holds cards, a connection and the memory of its call until it is answered.
import type { PoolName } from "../../domain/ids.ts";
import type { PoolStore } from "../../ports/store.ts";
import type { Deps, PoolSettings } from "../deps.ts";

/** Unless the pool says otherwise. Enough for 128 starts a second where each takes half a second. */
export const STARTS_AT_ONCE = 64;
/** While the driver's last answer was that it is away: one start tries it, the others follow when it is there. */
const TRIES_AT_ONCE = 1;

export type StartSlots = {
  /** How many starts may begin now. */
  free(): number;
  take(count: number): Taken;
  /** More could have started, and nobody else comes by for them: who leaves looks again. */
  turnAway(): void;
  /** Answers true once when somebody was turned away and there is room again, for half of what may start at once. */
  isToRefill(): boolean;
  /** Whether the driver was there for the last start. */
  note(isThere: boolean): void;
};

type Taken = {
  /** Gives back all but so many of those that have not left yet. */
  keep(count: number): void;
  /** One of them has ended. */
  leave(): void;
};

export function startSlots(deps: Pick<Deps, "stores">, { name, startsAtOnce }: PoolSettings): StartSlots {
  const known = KNOWN.get(deps.stores.pools) ?? new Map<PoolName, StartSlots>();
  KNOWN.set(deps.stores.pools, known);
  const slots = known.get(name) ?? createSlots(startsAtOnce ?? STARTS_AT_ONCE);
  known.set(name, slots);
  return slots;
}

/** By the store, of which a process has one. */
const KNOWN = new WeakMap<PoolStore, Map<PoolName, StartSlots>>();

function createSlots(startsAtOnce: number): StartSlots {
  let underWay = 0;
  let isThere = true;
  let isAwaited = false;
  const most = () => (isThere ? startsAtOnce : TRIES_AT_ONCE);
  const free = () => Math.max(0, most() - underWay);
  return {
    free,
    take(count) {
      let held = count;
      const keep = (left: number) => {
        underWay -= held - Math.min(held, left);
        held = Math.min(held, left);
      };
      underWay += count;
      return { keep, leave: () => keep(held - 1) };
    },
    turnAway() {
      isAwaited = true;
    },
    isToRefill() {
      const isNow = isAwaited && free() >= most() / 2;
      if (isNow) isAwaited = false;
      return isNow;
    },
    note(isThereNow) {
      isThere = isThereNow;
    },
  };
}
