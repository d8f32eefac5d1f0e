import type { EpochMs } from "../domain/ids.ts";

/**
 * Time. Tests pass a clock they turn by hand. `aheadMs`: of the machine's clock, where a process keeps its own time;
 * absent: they are the same.
 */
export type Clock = { now(): EpochMs; aheadMs?(): number };

/** Resolves after so many ms: between two tries against other processes. Tests need not wait. */
export type Pause = (ms: number) => Promise<void>;
