// Which waiting jobs start now: a pure choice over the heads of lanes.
import { AGING_MS } from "./deadlines.ts";
import type { EpochMs, JobId, TenantId } from "./ids.ts";
import type { Lane } from "./lane.ts";
import { waitingSince, waitOrder } from "./lane.ts";
import type { Room } from "./node-room.ts";
import { fitsIn, roomOf, setAside, without } from "./node-room.ts";
import type { Pool, PoolNode } from "./pool.ts";
import { freeSlots, usableCards, usedBy } from "./pool.ts";

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

export type Choice = {
  readonly namedCards: boolean;
  readonly limit: number;
  readonly now: EpochMs;
  /** Where the pool has nodes: a job must fit on one of them. */
  readonly nodes?: readonly PoolNode[] | undefined;
};

/**
 * Gives free cards, one job at a time, to the lane with the smallest used/weight whose head fits; ties go to the
 * longer waiting head. Within a lane the order is kept: a large job at the head is not overtaken by its own tenant.
 * A head whose turn it is, but that does not fit, lets others pass for AGING_MS; then what is free is set aside for it,
 * on the node that has most of it; for one head at a time. A job larger than the whole pool or its tenant's quota is passed
 * over; it would block its lane for ever.
 */
export function chooseStarts(pool: Pool, lanes: readonly LaneView[], choice: Choice): Start[] {
  const starts: Start[] = [];
  const largest = roomiest(pool, choice.nodes);
  const queues: Queue[] = lanes.map((view) => ({
    view,
    heads: view.heads.filter((head) => head.cards <= Math.min(largest, view.maxCards ?? largest)),
    used: usedBy(pool, view.lane.tenant),
  }));
  const slots = choice.namedCards ? freeSlots(pool) : undefined;
  let room = roomOf(pool, choice.nodes);
  while (starts.length < choice.limit) {
    const turn = nextTurn(queues, room, choice.now);
    const start = turn.queue && startOf(turn.queue, slots);
    // Cards that cannot be named are not free, whatever the sums say.
    if (turn.queue === undefined || start === undefined) break;
    starts.push(start);
    turn.queue.heads.shift();
    turn.queue.used = add(turn.queue.used, start.cards);
    room = without(turn.room, start.cards);
  }
  return starts;
}

/** Every head that could ever start has been chosen: what stands behind them may be worth a look. */
export function isExhausted(view: LaneView, starts: readonly Start[], pool: Pool): boolean {
  const chosen = new Set(starts.map((start) => start.jobId));
  const usable = usableCards(pool);
  const largest = Math.min(usable, view.maxCards ?? usable);
  return view.heads.every((head) => chosen.has(head.id) || head.cards > largest);
}

type Use = { readonly cards: number; readonly workers: number };
type Queue = { readonly view: LaneView; readonly heads: Head[]; used: Use };

/** The most cards that one job can have, were everything free. */
function roomiest(pool: Pool, nodes: readonly PoolNode[] | undefined): number {
  const usable = usableCards(pool);
  return nodes === undefined ? usable : Math.min(usable, Math.max(0, ...nodes.map((node) => node.total)));
}

/** Whose turn it is among those that fit; and the room that is left when those before them have waited too long. */
function nextTurn(
  queues: readonly Queue[],
  room: Room,
  now: EpochMs,
): { queue: Queue | undefined; room: Room } {
  let left = room;
  for (const { queue, head } of inTurn(queues, now)) {
    if (fitsIn(left, head.cards)) return { queue, room: left };
    if (isAged(head, now)) left = setAside(left, head.cards);
  }
  return { queue: undefined, room: left };
}

type Turn = { readonly queue: Queue; readonly head: Head; readonly share: number };

function inTurn(queues: readonly Queue[], now: EpochMs): Turn[] {
  return queues
    .flatMap((queue) => {
      const head = queue.heads[0];
      return head !== undefined && isWithinQuota(queue, head) ? [{ queue, head, share: share(queue) }] : [];
    })
    .sort((a, b) => a.share - b.share || bySizeWhenAged(a.head, b.head, now) || byWait(a.head, b.head));
}

/** Of equal shares the larger of two that have waited long: cards that were set aside for it must not go to the other. */
function bySizeWhenAged(a: Head, b: Head, now: EpochMs): number {
  return isAged(a, now) && isAged(b, now) ? b.cards - a.cards : 0;
}

function byWait(a: Head, b: Head): number {
  return waitOrder(a.order) < waitOrder(b.order) ? -1 : 1;
}

function isAged(head: Head, now: EpochMs): boolean {
  return now - waitingSince(head.order) >= AGING_MS;
}

function isWithinQuota({ view, used }: Queue, head: Head): boolean {
  const { maxCards = Number.POSITIVE_INFINITY, maxWorkers = Number.POSITIVE_INFINITY } = view;
  return used.cards + head.cards <= maxCards && used.workers < maxWorkers;
}

/** Takes the cards that it names out of `free`. */
function startOf(queue: Queue, free: number[] | undefined): Start | undefined {
  const head = queue.heads[0];
  if (head === undefined || (free !== undefined && free.length < head.cards)) return undefined;
  const slots = free?.splice(0, head.cards).sort((a, b) => a - b) ?? [];
  return { jobId: head.id, tenant: queue.view.lane.tenant, cards: head.cards, slots };
}

/** Card-less work (CPU endpoints) counts as one card, or it would never be anybody's share. */
function share({ used, view }: Queue): number {
  return Math.max(used.cards, used.workers) / view.weight;
}

function add(used: Use, cards: number): Use {
  return { cards: used.cards + cards, workers: used.workers + 1 };
}
