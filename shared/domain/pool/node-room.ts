// The free cards of a pool as far as a choice of starts has got: in all, and on each node where the pool has nodes.
import type { Pool, PoolNode } from "./pool.ts";
import { freeCards } from "./pool.ts";

/** Where a choice has put a start in its sums: the pool's own scheduler must place it so, or those are of no use. */
export type NodePlan = {
  readonly node: string;
  /** The node that is kept for a job whose turn it was before: not for this one. */
  readonly kept?: string | undefined;
};

export type Room = {
  readonly free: number;
  /** Something has been set aside: one job at a time, or a few large ones would empty the pool. */
  readonly isKept: boolean;
  readonly keptNode?: string;
  readonly nodes: readonly PoolNode[] | undefined;
};

export function roomOf(pool: Pool, nodes: readonly PoolNode[] | undefined): Room {
  return { free: freeCards(pool), isKept: false, nodes };
}

/** Total free is not a fit: a worker needs its cards on one node. */
export function fitsIn({ free, nodes }: Room, cards: number): boolean {
  return cards <= free && (cards === 0 || nodes === undefined || nodes.some((node) => node.free >= cards));
}

/** Undefined without cards, and where the pool has no nodes. */
export function planOf(room: Room, cards: number): NodePlan | undefined {
  const best = cards === 0 ? undefined : bestFit(room, cards);
  return best && { node: best.name, kept: room.keptNode };
}

/** After a start. */
export function without(room: Room, cards: number): Room {
  const best = bestFit(room, cards);
  const nodes = room.nodes?.map((node) => (node === best ? { ...node, free: node.free - cards } : node));
  return { ...room, free: room.free - cards, nodes };
}

/** The node that it fills best: small jobs side by side leave whole nodes to large ones. */
function bestFit({ nodes = [] }: Room, cards: number): PoolNode | undefined {
  return nodes
    .filter((node) => node.free >= cards)
    .reduce<PoolNode | undefined>(
      (least, node) => (least === undefined || node.free < least.free ? node : least),
      undefined,
    );
}

/** What is free now is kept for a job of so many cards: all of it, or that of the node that comes closest. */
export function setAside(room: Room, cards: number): Room {
  if (room.isKept) return room;
  if (room.nodes === undefined) return { ...room, free: 0, isKept: true };
  const able = room.nodes.filter((node) => node.total >= cards);
  const closest = able.reduce<(typeof able)[number] | undefined>(
    (most, node) => (most === undefined || node.free > most.free ? node : most),
    undefined,
  );
  if (closest === undefined) return room;
  const nodes = room.nodes.map((node) => (node === closest ? { ...node, free: 0 } : node));
  return { free: Math.max(0, room.free - closest.free), isKept: true, keptNode: closest.name, nodes };
}
