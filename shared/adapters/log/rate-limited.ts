// A log for floods (rejected requests): at most one line per reason and period, with a count of the lines held back.
import { isOver } from "../../domain/time-gate.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";

const MINUTE_MS = 60_000;
/** Reasons may hold text from outside; the memory for them is bounded all the same. */
const MAX_REASONS = 1_000;

/**
 * Lines of the same level, event and `reason` count as equal. The first of a period is written at once; the first of
 * a later period carries `count`, the number of equal lines held back since.
 */
export function rateLimited(log: Log, options: { readonly clock: Clock; readonly perMs?: number }): Log {
  const perMs = options.perMs ?? MINUTE_MS;
  const periods = new Map<string, { startedAt: number; heldBack: number }>();

  const limit = (level: keyof Log) => (event: string, fields?: LogFields) => {
    const key = `${level} ${event} ${fields?.reason ?? ""}`;
    const now = options.clock.now();
    const period = periods.get(key);
    if (period && !isOver(period.startedAt, perMs, now)) {
      period.heldBack += 1;
      return;
    }
    // Deleted first, so that the map stays ordered by start and the first key is the oldest.
    periods.delete(key);
    forgetOldest(periods);
    periods.set(key, { startedAt: now, heldBack: 0 });
    log[level](event, period?.heldBack ? { ...fields, count: period.heldBack } : fields);
  };
  return { debug: limit("debug"), info: limit("info"), warn: limit("warn"), error: limit("error") };
}

function forgetOldest(periods: Map<string, unknown>): void {
  if (periods.size < MAX_REASONS) return;
  for (const oldest of periods.keys()) {
    periods.delete(oldest);
    return;
  }
}
