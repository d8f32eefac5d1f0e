// Lanes with heads, and what is chosen of them: for the tests of the choice of starts.
import { jobId, tenantId } from "../../../shared/domain/ids.ts";
import { laneOrder } from "../../../shared/domain/pool/lane.ts";
import type { Choice, Head, LaneView } from "../../../shared/domain/pool/scheduling.ts";
import { chooseStarts } from "../../../shared/domain/pool/scheduling.ts";
import { aLaneView, aPool, POOL, T0 } from "../builders.ts";

export const ANY: Choice = { namedCards: false, limit: 64, now: T0 + 1_000 };

/** Heads of these sizes, one millisecond apart: `a0`, `a1`, … */
export function lane(name: string, sizes: number[], more: Partial<LaneView> = {}): LaneView {
  const heads = sizes.map((cards, index) => head(`${name}${index}`, cards, T0 + index));
  return aLaneView({ lane: { pool: POOL, tenant: tenantId(name), login: name }, heads, ...more });
}

export function head(id: string, cards: number, queuedAt = T0, priority = 0): Head {
  return { id: jobId(id), cards, order: laneOrder({ id: jobId(id), queuedAt, priority }) };
}

export function chosen(pool = aPool(), lanes: LaneView[] = [], options = ANY): string[] {
  return chooseStarts(pool, lanes, options).map((start) => start.jobId);
}
