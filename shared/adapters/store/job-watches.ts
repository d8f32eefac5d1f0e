// Wakes long polls in the process that writes: the store tells each change, and whoever waits for that job looks again.
import type { JobId } from "../../domain/ids.ts";
import type { JobWatch, JobWatches } from "../../ports/job-watch.ts";
import type { Change } from "../../ports/store.ts";

/** Every change of one process is heard; this is for a second process on the same file. */
const PACE_MS = 5_000;

export type LocalJobWatches = JobWatches & {
  /** To be called after each write. */
  notice(change: Change): void;
};

export function createJobWatches(): LocalJobWatches {
  const watchers = new Map<JobId, Set<() => void>>();
  return {
    paceMs: PACE_MS,
    notice(change) {
      if (change.kind !== "job") return;
      for (const ring of watchers.get(change.job.id) ?? []) ring();
    },
    watch: (id) => open(watchers, id),
  };
}

function open(watchers: Map<JobId, Set<() => void>>, id: JobId): JobWatch {
  let rung = false;
  let wake: (() => void) | undefined;
  const ring = () => {
    rung = true;
    wake?.();
  };
  const own = watchers.get(id) ?? new Set();
  watchers.set(id, own.add(ring));
  return {
    async next(ms, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener("abort", wake, { once: true });
        });
        if (wake !== undefined) signal.removeEventListener("abort", wake);
        wake = undefined;
      }
      rung = false;
    },
    close() {
      own.delete(ring);
      if (own.size === 0) watchers.delete(id);
    },
  };
}
