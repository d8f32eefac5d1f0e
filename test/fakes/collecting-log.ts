// A log that keeps its lines for a test to look at.
import type { Log, LogFields } from "../../shared/ports/log.ts";

type LogEntry = LogFields & { readonly level: keyof Log; readonly event: string };

export type CollectingLog = Log & {
  readonly entries: readonly LogEntry[];
  /** The lines of one event. */
  of(event: string): LogEntry[];
};

export function createCollectingLog(): CollectingLog {
  const entries: LogEntry[] = [];
  const at = (level: keyof Log) => (event: string, fields?: LogFields) => {
    entries.push({ ...fields, level, event });
  };
  return {
    entries,
    of: (event) => entries.filter((entry) => entry.event === event),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}
