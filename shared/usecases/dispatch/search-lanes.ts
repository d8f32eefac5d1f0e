// As many heads of each lane as a choice of starts can need: a look costs the same whatever the length of the queue.
import type { JobId, PoolName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import type { Lane } from "../../domain/pool/lane.ts";
import { laneKey, laneOrder } from "../../domain/pool/lane.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { awayFrom } from "../../domain/pool/pool-gate.ts";
import type { Choice, LaneView } from "../../domain/pool/scheduling.ts";
import { chooseStarts, isExhausted } from "../../domain/pool/scheduling.ts";
import type { Deps } from "../deps.ts";
import { registrableLanes } from "./admit-starts.ts";
import { knownLanes, openLanes } from "./open-lanes.ts";
import type { PauseGate } from "./pause-gate.ts";

export type LaneSearch = {
  readonly pool: PoolName;
  /** Jobs just written, which an index may not show yet. */
  readonly hints: readonly Job[];
  /** Jobs of this pass, which an index may still show; at most `stale` of a lane's heads are such. */
  readonly tried: ReadonlySet<JobId>;
  readonly stale: number;
  /** What the operator has paused. */
  readonly gate: PauseGate;
};

/** A lane is first read for its part of the room, and for no fewer heads than this. */
const MIN_WINDOW = 2;
/** So many of a lane are read at most: as many jobs that can never start may stand before one that can. */
const MAX_WINDOW = 1_024;

/** Reads on where the choice has taken all that it could of a lane. */
export async function searchLanes(
  deps: Deps,
  seen: Pool,
  search: LaneSearch,
  choice: Choice,
): Promise<LaneView[]> {
  const { gate } = search;
  const room = choice.limit;
  const now = deps.clock.now();
  const known = (await knownLanes(deps, search.pool, search.hints)).filter(
    (lane) => gate.admitsLane(lane) && awayFrom(seen, lane.tenant, now) === undefined,
  );
  // One more than can start tells whose jobs wait on.
  let window = Math.min(room + 1, Math.max(MIN_WINDOW, Math.ceil(room / Math.max(1, known.length))));
  const waiting = await fill(
    known.map((lane) => ({ lane })),
    search,
    window,
  );
  const open = await openLanes(
    deps,
    waiting.filter(({ heads }) => heads.length > 0),
  );
  let lanes = await registrableLanes(deps, open);
  while (window < MAX_WINDOW) {
    const starts = chooseStarts(seen, lanes, choice);
    const hungry = new Set(
      lanes.filter((view) => view.heads.length === window && isExhausted(view, starts, seen, choice)),
    );
    if (hungry.size === 0) break;
    window = Math.min(MAX_WINDOW, 2 * window);
    const wider = await registrableLanes(deps, await fill([...hungry], search, window));
    lanes = [...lanes.filter((lane) => !hungry.has(lane)), ...wider];
  }
  return lanes;
}

/** These lanes with their first heads, as many as `window` at most. */
async function fill<View extends Pick<LaneView, "lane">>(
  lanes: readonly View[],
  search: LaneSearch,
  window: number,
): Promise<(View & Pick<LaneView, "heads">)[]> {
  return await Promise.all(
    lanes.map(async (view) => {
      const heads = await search.gate.heads(view.lane, window + search.stale);
      const known = withHints(view.lane, heads, search.hints);
      return { ...view, heads: known.filter((head) => !search.tried.has(head.id)).slice(0, window) };
    }),
  );
}

function withHints(lane: Lane, heads: LaneView["heads"], hints: readonly Job[]): LaneView["heads"] {
  const known = new Set(heads.map((head) => head.id));
  const fresh = hints
    .filter((job) => isWaiting(job) && laneKey(job) === laneKey(lane) && !known.has(job.id))
    .map((job) => ({ id: job.id, cards: job.cards, order: laneOrder(job) }));
  return fresh.length === 0 ? heads : [...heads, ...fresh].sort((a, b) => (a.order < b.order ? -1 : 1));
}
