// Wakes whoever waits for a job in the same process; elsewhere the table is looked at again and again.
import type { JobId } from "../domain/ids.ts";

export type JobWatch = {
  /** Resolves at the job's next change, also one since the last call; after `ms`; or when `signal` aborts. */
  next(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
};

export type JobWatches = {
  /** The longest that a change may go unheard, ms: the table is looked at this often. */
  readonly paceMs: number;
  watch(id: JobId): JobWatch;
};
