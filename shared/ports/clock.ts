import type { EpochMs } from "../domain/ids.ts";

/** Time. Tests pass a clock they turn by hand. */
export type Clock = { now(): EpochMs };

/** Resolves after so many ms: between two tries against other processes. Tests need not wait. */
export type Pause = (ms: number) => Promise<void>;
