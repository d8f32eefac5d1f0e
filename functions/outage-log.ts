// One line when something goes, one with the count when it is back: a pass that fails every 2 s for an hour is one fact
// and not 1,800.
import type { EpochMs } from "../shared/domain/ids.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";

export type OutageLog = {
  /** Written when one of its causes is new since the last success. */
  failed(error: unknown): void;
  succeeded(): void;
};

/** Beyond so many causes of one outage the others are counted only: their words may hold names. */
const MAX_CAUSES = 50;

export function createOutageLog(log: Log, clock: Clock, what: string): OutageLog {
  const causes = new Set<string>();
  let count = 0;
  let since: EpochMs = 0;
  return {
    failed(error) {
      if (count === 0) since = clock.now();
      count += 1;
      const fresh = causesOf(error).filter((cause) => !causes.has(cause));
      if (fresh.length === 0 || causes.size >= MAX_CAUSES) return;
      for (const cause of fresh) causes.add(cause);
      log.error(`${what}-failed`, { error });
    },
    succeeded() {
      if (count === 0) return;
      const message = "it works again; what failed meanwhile was written once for each cause";
      log.warn(`${what}-recovered`, { count, ms: clock.now() - since, message });
      causes.clear();
      count = 0;
    },
  };
}

function causesOf(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(causesOf);
  return [error instanceof Error ? error.message : String(error)];
}
