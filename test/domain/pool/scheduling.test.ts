// Who starts next: the lane with the smallest share whose head fits.
import { describe, expect, test } from "vitest";
import { AGING_MS } from "../../../shared/domain/deadlines.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import { release, reserve } from "../../../shared/domain/pool/pool.ts";
import type { LaneView } from "../../../shared/domain/pool/scheduling.ts";
import { chooseStarts } from "../../../shared/domain/pool/scheduling.ts";
import { aPool, aWorkerId, T0, TENANT } from "../builders.ts";
import { ANY, chosen, head, lane } from "./queues.ts";

describe("what fits", () => {
  test("a job waits for its cards and is not overtaken by its own tenant, but by others", () => {
    expect(chosen(aPool({ total: 4 }), [lane("a", [1, 4, 1]), lane("b", [2])])).toEqual(["a0", "b0"]);
  });

  test("a job larger than the pool does not block its lane", () => {
    expect(chosen(aPool({ total: 4 }), [lane("a", [8, 2])])).toEqual(["a1"]);
  });

  test("nor does one that is larger than its tenant's quota", () => {
    expect(chosen(aPool({ total: 8 }), [lane("a", [4, 2], { maxCards: 3 })])).toEqual(["a1"]);
  });

  test("nothing starts in a full or shrunk pool, or without jobs", () => {
    const pool = reserve(aPool({ total: 2 }), aWorkerId("w"), { tenant: TENANT, cards: 3, slots: [] }, T0);
    expect(chosen(pool, [lane("a", [1])])).toEqual([]);
    expect(chosen(aPool(), [lane("a", [])])).toEqual([]);
    expect(chosen(aPool(), [])).toEqual([]);
  });

  test("a quota of cards or workers is kept, counting what is held", () => {
    const pool = reserve(aPool(), aWorkerId("w"), { tenant: tenantId("a"), cards: 1, slots: [] }, T0);
    expect(chosen(pool, [lane("a", [1, 1, 1], { maxCards: 3 })])).toEqual(["a0", "a1"]);
    expect(chosen(pool, [lane("a", [1, 1, 1], { maxWorkers: 2 })])).toEqual(["a0"]);
    expect(chosen(pool, [lane("a", [1], { maxCards: 0 })])).toEqual([]);
  });

  test("no more than the limit", () => {
    expect(chosen(aPool(), [lane("a", [1, 1, 1])], { ...ANY, limit: 2 })).toEqual(["a0", "a1"]);
    expect(chosen(aPool(), [lane("a", [1])], { ...ANY, limit: 0 })).toEqual([]);
  });
});

describe("a large job whose turn it is, and that does not fit", () => {
  const young = { ...ANY, now: T0 + AGING_MS - 1 };
  const aged = { ...ANY, now: T0 + AGING_MS };
  const busy = (cards: number) =>
    reserve(aPool({ total: 8 }), aWorkerId("w"), { tenant: tenantId("b"), cards, slots: [] }, T0);

  test("lets smaller ones of other tenants pass at first", () => {
    expect(chosen(busy(3), [lane("a", [8]), lane("b", [1, 1])], young)).toEqual(["b0", "b1"]);
  });

  test("then has what is free set aside for it, and starts as soon as that is enough", () => {
    const lanes = [lane("a", [8]), lane("b", [1, 1])];
    expect(chosen(busy(3), lanes, aged)).toEqual([]);
    expect(chosen(busy(0), lanes, aged)).toEqual(["a0"]);
  });

  test("takes no turn before its own: a tenant of smaller share goes on", () => {
    const held = reserve(
      aPool({ total: 8 }),
      aWorkerId("w"),
      { tenant: tenantId("a"), cards: 4, slots: [] },
      T0,
    );
    expect(chosen(held, [lane("a", [8]), lane("b", [1, 1, 1, 1])], aged)).toEqual(["b0", "b1", "b2", "b3"]);
  });

  test("keeps nobody waiting that needs no card", () => {
    expect(chosen(busy(3), [lane("a", [8]), lane("b", [0])], aged)).toEqual(["b0"]);
  });

  test("beyond its tenant's quota has nothing set aside", () => {
    expect(chosen(busy(3), [lane("a", [8], { maxCards: 4 }), lane("b", [1])], aged)).toEqual(["b0"]);
  });

  test("of endless small ones waits no longer than the aging time and the longest of these", () => {
    const longest = 600_000;
    const since = T0 + 60_000;
    const flooded = floodedPool(longest);
    for (let now = T0; now <= since + AGING_MS + longest; now += 10_000) {
      const large = now < since ? [] : [lane("a", [], { heads: [head("large", 8, since)] })];
      if (flooded.pass(now, large).includes("large")) return;
    }
    expect.fail("the large job was starved");
  });
});

/**
 * A pool of 8 whose tenant `b` has 1-card jobs without end; they end staggered, so that never all cards come free at
 * once.
 */
function floodedPool(longestMs: number) {
  const ends = new Map<string, number>();
  let pool = aPool({ total: 8 });
  return {
    pass(now: number, others: LaneView[]): string[] {
      for (const [id, end] of ends) if (end <= now) pool = release(pool, aWorkerId(id), now);
      const starts = chooseStarts(pool, [lane("b", Array(9).fill(1)), ...others], { ...ANY, now });
      for (const { tenant, cards, slots } of starts) {
        const id = `w${ends.size}`;
        ends.set(id, now + longestMs - (ends.size % 8) * 60_000);
        pool = reserve(pool, aWorkerId(id), { tenant, cards, slots }, now);
      }
      return starts.map((start) => start.jobId);
    },
  };
}

describe("a pool with nodes", () => {
  const node = (name: string, total: number, free: number) => ({ name, total, free });
  const nodes = [node("n1", 8, 3), node("n2", 8, 3)];
  const twoNodes = aPool({ total: 16 });

  test("total free is not a fit", () => {
    expect(chosen(twoNodes, [lane("a", [4])], { ...ANY, nodes })).toEqual([]);
    expect(chosen(twoNodes, [lane("a", [3, 3, 1])], { ...ANY, nodes })).toEqual(["a0", "a1"]);
  });

  test("small ones go where they leave the least, so that a node stays free for a large one", () => {
    const uneven = [node("n1", 8, 2), node("n2", 8, 8)];
    expect(chosen(twoNodes, [lane("a", [1, 1, 8])], { ...ANY, nodes: uneven })).toEqual(["a0", "a1", "a2"]);
  });

  test("no node is large enough for it, ever: passed over", () => {
    expect(chosen(twoNodes, [lane("a", [16, 1])], { ...ANY, nodes })).toEqual(["a1"]);
  });

  test("for an aged job one node is set aside, the other goes on", () => {
    const free = [node("n1", 8, 5), node("n2", 8, 3), node("n3", 4, 4)];
    const lanes = [lane("a", [8]), lane("b", [1, 1, 1, 1, 1, 1, 1, 1, 1])];
    const starts = chosen(aPool({ total: 20 }), lanes, { ...ANY, nodes: free, now: T0 + AGING_MS });
    expect(starts).toHaveLength(7);
  });
});

describe("named cards", () => {
  const named = { ...ANY, namedCards: true };

  test("each start gets its own, the lowest free ones", () => {
    const pool = reserve(
      aPool({ total: 6 }),
      aWorkerId("w"),
      { tenant: TENANT, cards: 2, slots: [1, 2] },
      T0,
    );
    const starts = chooseStarts(pool, [lane("a", [1, 2])], named);
    expect(starts).toEqual([
      { jobId: "a0", tenant: "a", cards: 1, slots: [0] },
      { jobId: "a1", tenant: "a", cards: 2, slots: [3, 4] },
    ]);
  });

  test("come in their order, also beyond ten", () => {
    const [start] = chooseStarts(aPool({ total: 12 }), [lane("a", [12])], named);
    expect(start?.slots).toEqual(Array.from({ length: 12 }, (_, slot) => slot));
  });

  test("are not named where the pool does not need it", () => {
    expect(chooseStarts(aPool(), [lane("a", [2])], ANY)).toMatchObject([{ slots: [] }]);
  });

  test("a job starts only on cards that can be named, whatever the sums say", () => {
    const pool = reserve(
      aPool({ total: 2 }),
      aWorkerId("w"),
      { tenant: TENANT, cards: 0, slots: [0, 1] },
      T0,
    );
    expect(chooseStarts(pool, [lane("a", [1])], named)).toEqual([]);
  });
});

test("the views are left as they were", () => {
  const lanes = [lane("a", [1, 1])];
  const before = structuredClone(lanes);
  chosen(aPool(), lanes);
  expect(lanes).toEqual(before);
});
