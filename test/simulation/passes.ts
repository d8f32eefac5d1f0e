// When the reconciler makes its passes.
import { START } from "./scenery.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;

/**
 * A schedule of one minute in the cloud; in one process a short pause, after which a pass is made when something is due.
 */
export const PASS_MS = { cloud: MINUTE, single: MINUTE / 3 };

/** Between two passes that find nothing due, and where nobody is at work besides. */
const IDLE_MS = 5 * MINUTE;
const EMPTY_MS = 10 * MINUTE;

/** A pass that has nothing to do is left out: only what it looks at from time to time may take minutes longer. */
export function reconcileIfDue(world: World): void {
  if (isDue(world) || isTimeForPass(world)) world.dispatcher.reconcile();
}

function isTimeForPass({ timeline, weather, outside }: World): boolean {
  const ms = timeline.now() - START;
  if (weather.isRestless && ms % MINUTE === 0) return true;
  return ms % (outside.living().length === 0 ? EMPTY_MS : IDLE_MS) === 0;
}

function isDue({ table, timeline }: World): boolean {
  for (const { dueAt } of table.all.due.values()) if (dueAt <= timeline.now()) return true;
  return false;
}
