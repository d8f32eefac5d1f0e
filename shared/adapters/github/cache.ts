// Remembers answers until they end; concurrent askers share one request.
import type { EpochMs } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";

type Fresh<T> = { readonly value: T; readonly until: EpochMs };

export type Cache<T> = {
  /** The remembered value, or what `load` answers; a failed load is not remembered. */
  get(key: string, load: () => Promise<Fresh<T>>): Promise<T>;
  /** What is remembered now, without asking. */
  peek(key: string): T | undefined;
  forget(key: string): void;
};

/** Ended entries are swept out once there are this many. */
const SWEEP_SIZE = 500;

export function createCache<T>(clock: Clock): Cache<T> {
  const entries = new Map<string, Fresh<T>>();
  const flights = new Map<string, Promise<T>>();

  async function fly(key: string, load: () => Promise<Fresh<T>>): Promise<T> {
    try {
      const fresh = await load();
      if (entries.size >= SWEEP_SIZE) sweep(entries, clock.now());
      entries.set(key, fresh);
      return fresh.value;
    } finally {
      flights.delete(key);
    }
  }

  const peek = (key: string): T | undefined => {
    const entry = entries.get(key);
    return entry && entry.until > clock.now() ? entry.value : undefined;
  };

  return {
    peek,
    async get(key, load) {
      const known = peek(key);
      if (known !== undefined) return known;
      const flight = flights.get(key) ?? fly(key, load);
      if (!flights.has(key)) flights.set(key, flight);
      return await flight;
    },
    forget: (key) => void entries.delete(key),
  };
}

function sweep<T>(entries: Map<string, Fresh<T>>, now: EpochMs): void {
  for (const [key, entry] of entries) {
    if (entry.until <= now) entries.delete(key);
  }
}
