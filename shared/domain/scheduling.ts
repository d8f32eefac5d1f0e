// Which waiting jobs start now: a pure choice over the heads of lanes.
import type { JobId, TenantId } from "./ids.ts";
import type { Lane } from "./lane.ts";
import { waitOrder } from "./lane.ts";
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
  let ledger = pool;
  while (starts.length < limit) {
    const free = freeCards(ledger);
    const slotsFor = (cards: number) => (namedCards ? freeSlots(ledger, cards) : []);
    const [offer] = queues.flatMap((queue) => offerOf(queue, free, slotsFor)).sort(byShareThenAge);
    if (offer === undefined) break;
    const { queue, start } = offer;
    starts.push(start);
    queue.heads.shift();
    queue.used = { cards: queue.used.cards + start.cards, workers: queue.used.workers + 1 };
    ledger = { ...ledger, reservations: { ...ledger.reservations, [`start-${starts.length}`]: start } };
  }
  return starts;
}

type Queue = {
  readonly view: LaneView;
  readonly heads: Head[];
  used: { readonly cards: number; readonly workers: number };
};
type Offer = { readonly queue: Queue; readonly head: Head; readonly start: Start };

/** The start of the lane's head, when it fits. */
function offerOf(queue: Queue, free: number, slotsFor: (cards: number) => number[] | undefined): Offer[] {
  const { view, used } = queue;
  const head = queue.heads[0];
  if (head === undefined || head.cards > free) return [];
  if (view.maxCards !== undefined && used.cards + head.cards > view.maxCards) return [];
  if (view.maxWorkers !== undefined && used.workers >= view.maxWorkers) return [];
  const slots = slotsFor(head.cards);
  // Cards that cannot be named are not free, whatever the sums say.
  if (slots === undefined) return [];
  const start = { jobId: head.id, tenant: view.lane.tenant, cards: head.cards, slots };
  return [{ queue, head, start }];
}

/** Card-less work (CPU endpoints) counts as one card, or it would never be anybody's share. */
function share({ used, view }: Queue): number {
  return Math.max(used.cards, used.workers) / view.weight;
}

function byShareThenAge(a: Offer, b: Offer): number {
  const difference = share(a.queue) - share(b.queue);
  if (difference !== 0) return difference;
  return waitOrder(a.head.order) < waitOrder(b.head.order) ? -1 : 1;
}
