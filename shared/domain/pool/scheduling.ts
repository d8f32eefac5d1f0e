// Which waiting jobs start now: a pure choice over the heads of lanes.

import { AGING_MS } from "../deadlines.ts";
import type { EpochMs, JobId, TenantId } from "../ids.ts";
import type { Balance } from "./balance.ts";
import { correctionOf } from "./balance.ts";
import type { Lane } from "./lane.ts";
import { waitingSince, waitOrder } from "./lane.ts";
import type { NodePlan, Room } from "./node-room.ts";
import { fitsIn, planOf, roomOf, setAside, without } from "./node-room.ts";
import type { Pool, PoolNode, Use } from "./pool.ts";
import { balanced, freeSlots, loadOf, usableCards, usedBy } from "./pool.ts";

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
  /** Where the pool has nodes, and the job needs cards. */
  readonly plan?: NodePlan;
};

export type Choice = {
  readonly namedCards: boolean;
  readonly limit: number;
  readonly now: EpochMs;
  /** The fewest cards that a job of this pool can ask for; absent: none. */
  readonly fewestCards?: number;
  /** Where the pool has nodes: a job must fit on one of them. */
  readonly nodes?: readonly PoolNode[] | undefined;
};

/**
 * Gives free cards, one job at a time, to the lane with the smallest used/weight whose head fits; up to one card is
 * added or taken off for what the tenant had beyond its part before. Ties go to the longer waiting head. Within a lane
 * the order is kept: a large job at the head is not overtaken by its own tenant. A head whose turn it is, but that does
 * not fit, lets others pass for AGING_MS; then what is free is set aside for it, on the node that has most of it; for one
 * head at a time. A job larger than the whole pool or its tenant's quota is passed over; it would block its lane for
 * ever.
 */
export function chooseStarts(pool: Pool, lanes: readonly LaneView[], choice: Choice): Start[] {
  const starts: Start[] = [];
  const queues = queuesOf(pool, lanes, choice);
  const slots = choice.namedCards ? freeSlots(pool) : undefined;
  let room = roomOf(pool, choice.nodes);
  while (starts.length < choice.limit) {
    const turn = nextTurn(queues, room, choice.now);
    const start = turn.queue && startOf(turn.queue, turn.room, slots);
    // Cards that cannot be named are not free, whatever the sums say.
    if (turn.queue === undefined || start === undefined) break;
    starts.push(start);
    turn.queue.heads.shift();
    turn.queue.used = add(turn.queue.used, start.cards);
    room = without(turn.room, start.cards);
  }
  return starts;
}

/** The tenants, with their weights, that would start more than this, were cards free. */
export function rivalsAfter(
  pool: Pool,
  lanes: readonly LaneView[],
  starts: readonly Start[],
  choice: Choice,
): Balance["rivals"] {
  const chosen = new Set(starts.map((start) => start.jobId));
  const rivals: { [tenant: string]: number } = {};
  for (const queue of queuesOf(pool, lanes, choice)) {
    const { tenant } = queue.view.lane;
    for (const start of starts) if (start.tenant === tenant) queue.used = add(queue.used, start.cards);
    const next = queue.heads.find((head) => !chosen.has(head.id));
    if (next !== undefined && isWithinQuota(queue, next.cards)) rivals[tenant] = queue.view.weight;
  }
  return rivals;
}

/**
 * Every head that could ever start has been chosen, and the tenant may have more: what stands behind them may be worth a
 * look.
 */
export function isExhausted(
  view: LaneView,
  starts: readonly Start[],
  pool: Pool,
  choice: Pick<Choice, "nodes" | "fewestCards">,
): boolean {
  if (!mayHaveMore(view, starts, pool, choice)) return false;
  const chosen = new Set(starts.map((start) => start.jobId));
  return possibleHeads(view, pool, choice).every((head) => chosen.has(head.id));
}

function mayHaveMore(
  view: LaneView,
  starts: readonly Start[],
  pool: Pool,
  { fewestCards = 0 }: Pick<Choice, "fewestCards">,
): boolean {
  const { tenant } = view.lane;
  const own = starts.filter((start) => start.tenant === tenant);
  const used = own.reduce((sum, { cards }) => add(sum, cards), usedBy(pool, tenant));
  return isWithinQuota({ view, used }, fewestCards);
}

/** Those larger than what the pool can give one job, or than the tenant's quota, would block their lane for ever. */
function possibleHeads({ heads, maxCards }: LaneView, pool: Pool, { nodes }: Pick<Choice, "nodes">): Head[] {
  const largest = roomiest(pool, nodes);
  return heads.filter((head) => head.cards <= Math.min(largest, maxCards ?? largest));
}

type Queue = { readonly view: LaneView; readonly heads: Head[]; used: Use; readonly correction: number };

function queuesOf(pool: Pool, lanes: readonly LaneView[], choice: Choice): Queue[] {
  const { balance } = balanced(pool, choice.now);
  return lanes.map((view) => ({
    view,
    heads: possibleHeads(view, pool, choice),
    used: usedBy(pool, view.lane.tenant),
    correction: correctionOf(balance, view.lane.tenant),
  }));
}

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
      return head !== undefined && isWithinQuota(queue, head.cards)
        ? [{ queue, head, share: share(queue) }]
        : [];
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

function isWithinQuota({ view, used }: Pick<Queue, "view" | "used">, cards: number): boolean {
  const { maxCards = Number.POSITIVE_INFINITY, maxWorkers = Number.POSITIVE_INFINITY } = view;
  return used.cards + cards <= maxCards && used.workers < maxWorkers;
}

/** Takes the cards that it names out of `free`. */
function startOf(queue: Queue, room: Room, free: number[] | undefined): Start | undefined {
  const head = queue.heads[0];
  if (head === undefined || (free !== undefined && free.length < head.cards)) return undefined;
  const slots = free?.splice(0, head.cards).sort((a, b) => a - b) ?? [];
  const plan = planOf(room, head.cards);
  return { jobId: head.id, tenant: queue.view.lane.tenant, cards: head.cards, slots, ...(plan && { plan }) };
}

function share({ used, view, correction }: Queue): number {
  return (loadOf(used) + correction) / view.weight;
}

function add(used: Use, cards: number): Use {
  return { cards: used.cards + cards, workers: used.workers + 1 };
}
