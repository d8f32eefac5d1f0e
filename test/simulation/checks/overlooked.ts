// What is due is looked at soon: nothing keeps the reconciler from it for long once all faults have ceased.
import type { EpochMs } from "../../../shared/domain/ids.ts";
import type { World } from "../world.ts";

/** Passes come each minute, and what a pass leaves over is the next one's. */
const LIMIT_MS = 15 * 60_000;

/** To be called each minute. */
export function createOverlooked({ table, weather, timeline, dispatcher, watch }: World): () => void {
  /** Since when each is seen to be due at this time: a look gives it another. */
  let since = new Map<string, EpochMs>();
  return () => {
    const { calmSince } = weather;
    since = calmSince === undefined || dispatcher.isAway ? new Map() : look(calmSince);
  };

  function look(calmSince: EpochMs): Map<string, EpochMs> {
    const now = timeline.now();
    const next = new Map<string, EpochMs>();
    for (const { kind, id, dueAt } of table.all.due.values()) {
      if (dueAt > now) continue;
      const key = `${kind} ${id} at ${dueAt}`;
      const from = since.get(key) ?? now;
      next.set(key, from);
      if (now - Math.max(from, calmSince) >= LIMIT_MS)
        watch.broken("overlooked", `${kind} ${id} has been due for ${(now - from) / 60_000} min`);
    }
    return next;
  }
}
