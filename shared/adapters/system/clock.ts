import { setTimeout as sleep } from "node:timers/promises";
import type { SteadyTime } from "../../domain/steady-time.ts";
import { steadied } from "../../domain/steady-time.ts";
import type { Clock, Pause } from "../../ports/clock.ts";

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** For a process that lives long: begins with the machine's clock, and does not jump when that one is set. */
export function createSteadyClock(
  wall: () => number = Date.now,
  monotonicMs: () => number = () => performance.now(),
): Clock {
  let time: SteadyTime = { at: wall(), wall: wall(), monotonicMs: monotonicMs() };
  return {
    now() {
      time = steadied(time, wall(), monotonicMs());
      return Math.round(time.at);
    },
  };
}

/** The one of this process. */
export const steadyClock: Clock = createSteadyClock();

export const systemPause: Pause = (ms) => sleep(ms);
