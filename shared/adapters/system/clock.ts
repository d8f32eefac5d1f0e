import { setTimeout as sleep } from "node:timers/promises";
import type { Clock, Pause } from "../../ports/clock.ts";

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() };

export const systemPause: Pause = (ms) => sleep(ms);
