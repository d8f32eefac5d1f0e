// A clock that stands still until a test turns it.
import type { EpochMs } from "../../shared/domain/ids.ts";
import type { Clock } from "../../shared/ports/clock.ts";

export type ManualClock = Clock & {
  /** Turns the clock on by `ms`; never back. */
  advance(ms: number): void;
  /** Somebody sets it, ahead or back. */
  set(now: EpochMs): void;
};

export function manualClock(start: EpochMs = Date.UTC(2026, 0, 5, 9)): ManualClock {
  let now = start;
  return {
    now: () => now,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`a clock goes forward, not by ${ms} ms`);
      now += ms;
    },
    set(to) {
      now = to;
    },
  };
}
