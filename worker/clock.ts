// The worker's time: a clock that can also wait, so that tests turn minutes by hand.
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../shared/ports/clock.ts";

/** `sleep` ends early, without a fault, when the signal aborts. */
export type WorkerClock = Clock & { sleep(ms: number, signal?: AbortSignal): Promise<void> };

export function createSystemClock(): WorkerClock {
  return {
    now: () => Date.now(),
    async sleep(ms, signal) {
      try {
        await wait(ms, undefined, { signal });
      } catch (error) {
        if (!signal?.aborted) throw error;
      }
    },
  };
}
