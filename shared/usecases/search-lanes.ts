// As many heads of each lane as a choice of starts can need: a look costs the same whatever the length of the queue.
import type { JobId, PoolName } from "../domain/ids.ts";
import type { Job } from "../domain/job.ts";
import { isWaiting } from "../domain/job.ts";
import { laneKey, laneOrder } from "../domain/lane.ts";
import type { Pool } from "../domain/pool.ts";
import type { LaneView, Start } from "../domain/scheduling.ts";
import { isExhausted } from "../domain/scheduling.ts";
import { registrableLanes } from "./admit-starts.ts";
import type { Deps } from "./deps.ts";
import { openLanes } from "./open-lanes.ts";
import type { PauseGate } from "./operator/pause-gate.ts";

export type LaneSearch = {
  readonly pool: PoolName;
  /** Jobs just written, which an index may not show yet. */
  readonly hints: readonly Job[];
  /** Jobs of this pass, which an index may still show; at most `stale` of a lane's heads are such. */
  readonly tried: ReadonlySet<JobId>;
  readonly stale: number;
  /** How many workers may start. */
  readonly room: number;
  /** What the operator has paused. */
  readonly gate: PauseGate;
};

/** A lane is first read for its part of the room, and for no fewer heads than this. */
const MIN_WINDOW = 2;

/** Reads on where the choice has taken all that was read of a lane. */
export async function searchLanes(
  deps: Deps,
  seen: Pool,
  search: LaneSearch,
  choose: (lanes: readonly LaneView[]) => Start[],
): Promise<LaneView[]> {
  const { room, gate } = search;
  const open = (await openLanes(deps, search.pool, search.hints)).filter(({ lane }) => gate.admitsLane(lane));
  let window = Math.min(room, Math.max(MIN_WINDOW, Math.ceil(room / Math.max(1, open.length))));
  let lanes = await fill(deps, open, search, window);
  while (window < room) {
    const starts = choose(lanes);
    const hungry = new Set(
      lanes.filter(({ heads }) => heads.length === window).filter((lane) => isExhausted(lane, starts, seen)),
    );
    if (hungry.size === 0) break;
    window = Math.min(room, 2 * window);
    const wider = await fill(deps, [...hungry], search, window);
    lanes = [...lanes.filter((lane) => !hungry.has(lane)), ...wider];
  }
  return lanes;
}

async function fill(
  deps: Deps,
  lanes: readonly LaneView[],
  search: LaneSearch,
  window: number,
): Promise<LaneView[]> {
  const filled = lanes.map(async (view) => {
    const heads = await search.gate.heads(view.lane, window + search.stale);
    const known = withHints({ ...view, heads }, search.hints);
    return { ...view, heads: known.filter((head) => !search.tried.has(head.id)).slice(0, window) };
  });
  return registrableLanes(deps, await Promise.all(filled));
}

function withHints(view: LaneView, hints: readonly Job[]): LaneView["heads"] {
  const known = new Set(view.heads.map((head) => head.id));
  const fresh = hints
    .filter((job) => isWaiting(job) && laneKey(job) === laneKey(view.lane) && !known.has(job.id))
    .map((job) => ({ id: job.id, cards: job.cards, order: laneOrder(job) }));
  return [...view.heads, ...fresh].sort((a, b) => (a.order < b.order ? -1 : 1));
}
