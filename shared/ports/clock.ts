import type { EpochMs } from "../domain/ids.ts";

/** Time. Tests pass a clock they turn by hand. */
export type Clock = { now(): EpochMs };
