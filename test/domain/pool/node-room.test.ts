// The free cards that a choice has left: in all and on each node; where a start goes, and what is kept for a large job.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Room } from "../../../shared/domain/pool/node-room.ts";
import { fitsIn, planOf, roomOf, setAside, without } from "../../../shared/domain/pool/node-room.ts";
import { reserve } from "../../../shared/domain/pool/pool.ts";
import { aPool, T0, TENANT, WORKER_ID } from "../builders.ts";

/** Nodes of eight cards; `free` of each. */
function aRoom(...free: number[]): Room {
  const nodes = free.map((one, n) => ({ name: `n${n}`, total: 8, free: one }));
  return { free: free.reduce((sum, one) => sum + one, 0), isKept: false, nodes };
}

const freeOn = ({ nodes }: Room) => nodes?.map((node) => node.free);

test("at first all free cards of the pool are room, none kept, and its nodes are as the pool tells them", () => {
  const pool = reserve(aPool({ total: 8 }), WORKER_ID, { tenant: TENANT, cards: 3, slots: [] }, T0);
  const nodes = [{ name: "n0", total: 8, free: 5 }];
  expect(roomOf(pool, nodes)).toEqual({ free: 5, isKept: false, nodes });
  expect(roomOf(pool, undefined)).toEqual({ free: 5, isKept: false, nodes: undefined });
});

describe("a job fits", () => {
  test.each<[string, Room, number, boolean]>([
    ["on the one node that has as many free", aRoom(1, 4), 4, true],
    ["never across nodes, whatever the sum", aRoom(3, 3), 4, false],
    ["not when the ledger has fewer than the node says", { ...aRoom(4), free: 3 }, 4, false],
    ["by the sum where the pool has no nodes", { free: 4, isKept: false, nodes: undefined }, 4, true],
    ["not above the sum", { free: 4, isKept: false, nodes: undefined }, 5, false],
    ["without cards wherever that is", aRoom(), 0, true],
    ["nowhere where every node is gone", { ...aRoom(), free: 4 }, 1, false],
  ])("%s", (_where, room, cards, fits) => expect(fitsIn(room, cards)).toBe(fits));
});

describe("a start", () => {
  test.each([
    ["the node that it fills best", aRoom(8, 4, 5), 4, [8, 0, 5]],
    ["the first of equals", aRoom(4, 4), 2, [2, 4]],
    ["only a node that has room for it", aRoom(2, 8, 7), 3, [2, 8, 4]],
  ])("takes %s", (_which, room, cards, left) => {
    const next = without(room, cards);
    expect(freeOn(next)).toEqual(left);
    expect(next.nodes?.map(({ name, total }) => [name, total])).toEqual(left.map((_, n) => [`n${n}`, 8]));
    expect(next.free).toBe(room.free - cards);
  });

  test("is planned where its cards are counted, and told which node is kept", () => {
    const room = aRoom(8, 4, 5);
    expect(planOf(room, 4)).toEqual({ node: "n1", kept: undefined });
    expect(planOf(setAside(room, 8), 4)).toEqual({ node: "n1", kept: "n0" });
  });

  test("is planned nowhere without cards, or where there are no nodes", () => {
    expect(planOf(aRoom(8), 0)).toBeUndefined();
    expect(planOf({ free: 5, isKept: false, nodes: undefined }, 1)).toBeUndefined();
  });

  test("takes from the sum where there are no nodes", () => {
    const room = { free: 5, isKept: true, nodes: undefined };
    expect(without(room, 2)).toEqual({ ...room, free: 3 });
  });
});

describe("set aside for a large job", () => {
  test.each([
    ["the node that comes closest", aRoom(2, 5, 3), [2, 0, 3], 5, "n1"],
    ["the first of two that come equally close", aRoom(4, 4), [0, 4], 4, "n0"],
    ["the first node even when none has a card free", aRoom(0, 0), [0, 0], 0, "n0"],
  ])("%s", (_which, room, left, free, keptNode) => {
    const kept = setAside(room, 8);
    expect(freeOn(kept)).toEqual(left);
    expect(kept.nodes?.map(({ name, total }) => [name, total])).toEqual(left.map((_, n) => [`n${n}`, 8]));
    expect(kept).toMatchObject({ free, isKept: true, keptNode });
  });

  test("never a node that is too small for it, however much is free there", () => {
    const nodes = [
      { name: "small", total: 4, free: 4 },
      { name: "large", total: 8, free: 1 },
    ];
    expect(freeOn(setAside({ free: 5, isKept: false, nodes }, 8))).toEqual([4, 0]);
  });

  test("all that is free, where the pool has no nodes", () => {
    const room = { free: 5, isKept: false, nodes: undefined };
    expect(setAside(room, 8)).toEqual({ ...room, free: 0, isKept: true });
  });

  test("nothing for a job that fits on no node, and nothing for a second job", () => {
    const room = aRoom(4, 4);
    expect(setAside(room, 9)).toBe(room);
    const kept = setAside(room, 8);
    expect(setAside(kept, 8)).toBe(kept);
  });

  test("no more than the ledger has: a node may count cards that others hold", () => {
    expect(setAside({ ...aRoom(4, 2), free: 3 }, 8)).toMatchObject({ free: 0 });
  });
});

test("property: no start and nothing set aside ever leaves less than nothing", () => {
  const rooms = fc.array(fc.nat(8), { minLength: 1, maxLength: 5 }).map((free) => aRoom(...free));
  fc.assert(
    fc.property(rooms, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), (room, one, other) => {
      const left = fitsIn(room, one) ? without(room, one) : setAside(room, one);
      for (const free of [left.free, ...(freeOn(left) ?? [])]) expect(free).toBeGreaterThanOrEqual(0);
      if (fitsIn(left, other)) expect(fitsIn(room, other)).toBe(true);
    }),
  );
});
