// Which waiting jobs start now: a pure choice over the heads of lanes.
import type { JobId, TenantId } from "./ids.ts";
import type { Lane } from "./lane.ts";
import type { Pool } from "./pool.ts";
import { freeCards, freeSlots, usedBy } from "./pool.ts";

export type LaneView = {
  readonly lane: Lane;
  readonly weight: number;
  readonly maxCards: number | undefined;
  readonly maxWorkers: number | undefined;
  /** In the lane's order; at least one unless the lane is empty. */
  readonly heads: readonly Head[];
};
export type Head = { readonly id: JobId; readonly cards: number; readonly order: string };

/** A decision: this job may have these cards. */
export type Start = {
  readonly jobId: JobId;
  readonly tenant: TenantId;
  readonly cards: number;
  readonly slots: readonly number[];
};

/**
 * Gives free cards, one job at a time, to the lane with the smallest used/weight whose head fits; ties go to the
 * longer waiting head. Within a lane the order is kept: a large job at the head is not overtaken by its own tenant.
 * A job larger than the whole pool is passed over; it would block its lane for ever.
 */
export function chooseStarts(
  pool: Pool,
  lanes: readonly LaneView[],
  { namedCards, limit }: { readonly namedCards: boolean; readonly limit: number },
): Start[] {
  const starts: Start[] = [];
  const queues = lanes.map((view) => ({
    view,
    heads: view.heads.filter((head) => head.cards <= pool.total),
    used: usedBy(pool, view.lane.tenant),
  }));
  const ledger = { free: freeCards(pool), pool };
  while (starts.length < limit) {
    const fitting = queues.filter((queue) => fits(queue, ledger.free));
    const chosen = fitting.sort(byShareThenAge)[0];
    const head = chosen?.heads.shift();
    if (chosen === undefined || head === undefined) break;
    const slots = namedCards ? (freeSlots(ledger.pool, head.cards) ?? []) : [];
    const start = { jobId: head.id, tenant: chosen.view.lane.tenant, cards: head.cards, slots };
    starts.push(start);
    ledger.free -= head.cards;
    ledger.pool = {
      ...ledger.pool,
      reservations: { ...ledger.pool.reservations, [`start-${starts.length}`]: start },
    };
    chosen.used = { cards: chosen.used.cards + head.cards, workers: chosen.used.workers + 1 };
  }
  return starts;
}

type Queue = {
  readonly view: LaneView;
  readonly heads: Head[];
  used: { readonly cards: number; readonly workers: number };
};

function fits({ view, heads, used }: Queue, free: number): boolean {
  const head = heads[0];
  if (head === undefined || head.cards > free) return false;
  if (view.maxCards !== undefined && used.cards + head.cards > view.maxCards) return false;
  return view.maxWorkers === undefined || used.workers < view.maxWorkers;
}

/** Card-less work (CPU endpoints) counts as one card, or it would never be anybody's share. */
function share(queue: Queue): number {
  return Math.max(queue.used.cards, queue.used.workers) / queue.view.weight;
}

function byShareThenAge(a: Queue, b: Queue): number {
  const difference = share(a) - share(b);
  if (difference !== 0) return difference;
  return (a.heads[0]?.order ?? "") < (b.heads[0]?.order ?? "") ? -1 : 1;
}
