// A clock that jumps to the end of each sleep, so that minutes pass in microseconds.
import type { WorkerClock } from "../../../worker/clock.ts";

export type VirtualClock = WorkerClock & { readonly slept: number[] };

export function createVirtualClock(): VirtualClock {
  let now = 1_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    async sleep(ms, signal) {
      await Promise.resolve();
      if (signal?.aborted) return;
      slept.push(ms);
      now += ms;
    },
  };
}
