import { setTimeout as sleep } from "node:timers/promises";
import type { EpochMs } from "../../domain/ids.ts";
import type { LeftTime, SteadyTime } from "../../domain/steady-time.ts";
import { resumed, steadied } from "../../domain/steady-time.ts";
import type { Clock, Pause } from "../../ports/clock.ts";

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() };

export type SteadyClock = Required<Clock> & {
  /** At a start: goes on where the process before it was ended by a crash. */
  resume(left: LeftTime | undefined): void;
};

/** For a process that lives long: begins with the machine's clock, and does not jump when that one is set. */
export function createSteadyClock(
  wall: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): SteadyClock {
  let time = beginAt(wall());
  return {
    now,
    aheadMs: () => now() - wall(),
    resume(left) {
      time = beginAt(resumed(left, wall()));
    },
  };

  function beginAt(at: EpochMs): SteadyTime {
    return { at, wall: wall(), monotonicMs: monotonicMs() };
  }

  function now(): EpochMs {
    time = steadied(time, wall(), monotonicMs());
    return Math.round(time.at);
  }
}

/** The one of this process. */
export const steadyClock: SteadyClock = createSteadyClock();

export const systemPause: Pause = (ms) => sleep(ms);
