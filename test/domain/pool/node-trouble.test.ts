// Cards in trouble on nodes: counted out of their node, which a worker is kept away from as long as another has room.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { liftedByHand, struck } from "../../../shared/domain/pool/card-trouble.ts";
import { avoidedNodes, cardOnNode, outOfUse, usableNodes } from "../../../shared/domain/pool/node-trouble.ts";
import type { Pool, PoolNode } from "../../../shared/domain/pool/pool.ts";
import { newPool } from "../../../shared/domain/pool/pool.ts";
import { POOL, T0 } from "../builders.ts";

const node = (name: string, total: number, free = total): PoolNode => ({ name, total, free });
const POOL_OF_NODES = newPool(POOL, 16);

/** Twice: once is a strike. */
function quarantined(cards: readonly string[], pool: Pool = POOL_OF_NODES): Pool {
  return struck(struck(pool, cards, "E_HEALTH", T0), cards, "E_HEALTH", T0);
}

function common(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((name) => others.includes(name));
}

describe("what is left of a node", () => {
  const pool = quarantined([cardOnNode("b", "0"), cardOnNode("b", "3"), cardOnNode("gone", "1")]);

  test("lacks its cards in quarantine, and only those", () => {
    const struckOnce = struck(pool, [cardOnNode("a", "7")], "E_HEALTH", T0);
    expect(usableNodes(struckOnce, [node("a", 8), node("b", 8, 5), node("c", 8, 1)])).toEqual([
      node("a", 8),
      node("b", 6, 3),
      node("c", 8, 1),
    ]);
  });

  test("is never less than nothing; a node that is away counts for nothing", () => {
    expect(usableNodes(pool, [node("b", 1, 0)])).toEqual([node("b", 0, 0)]);
    expect(outOfUse(pool, [node("a", 8), node("b", 8)])).toBe(2);
    expect(outOfUse(pool, [node("b", 1)])).toBe(1);
  });

  test("is all of it once the quarantine is lifted, by the card's own name", () => {
    const lifted = liftedByHand(liftedByHand(pool, "b/0"), "b/3");
    expect(usableNodes(lifted, [node("b", 8)])).toEqual([node("b", 8)]);
  });

  test("cards with a slot are none of a node's", () => {
    expect(outOfUse(quarantined(["0", "1"]), [node("0", 8), node("1", 8)])).toBe(0);
  });
});

describe("a worker is kept away", () => {
  const nodes = [node("a", 2), node("b", 2)];
  const both = quarantined(["a/0", "a/1"]);

  test.each([
    ["from nothing, where nothing is wrong", POOL_OF_NODES, { cards: 1 }, undefined],
    ["from nothing without cards", both, { cards: 0, failedOn: ["a"] }, undefined],
    ["from a node whose cards are all in quarantine", both, { cards: 1 }, { never: ["a"], rather: [] }],
    ["rather, from a node with some", quarantined(["a/0"]), { cards: 1 }, { never: [], rather: ["a"] }],
    ["from it, where the rest is too few", quarantined(["a/0"]), { cards: 2 }, { never: ["a"], rather: [] }],
    [
      "rather, from a node with a strike",
      struck(POOL_OF_NODES, ["b/1"], "E_HANG", T0),
      { cards: 2 },
      { never: [], rather: ["b"] },
    ],
    [
      "from where its job's worker failed",
      POOL_OF_NODES,
      { cards: 1, failedOn: ["a"] },
      { never: ["a"], rather: [] },
    ],
    [
      "rather, when that is the only one with room",
      both,
      { cards: 1, failedOn: ["b"] },
      { never: ["a"], rather: ["b"] },
    ],
  ] as const)("%s", (_name, pool, demand, avoided) => {
    expect(avoidedNodes(pool, nodes, demand)).toEqual(avoided);
  });

  test.each([
    ["kept for another", POOL_OF_NODES, {}, { never: ["a"], rather: [] }],
    ["and from a bad one too", quarantined(["b/0", "b/1"]), {}, { never: ["b", "a"], rather: [] }],
    ["rather, where the rest is ruled out", POOL_OF_NODES, { failedOn: ["b", "c"] }, "rather"],
  ] as const)("from the node that is %s", (_name, pool, more, avoided) => {
    const three = [...nodes, node("c", 2, 0)];
    const expected = avoided === "rather" ? { never: ["b", "c"], rather: ["a"] } : avoided;
    expect(avoidedNodes(pool, three, { cards: 1, kept: "a", ...more })).toEqual(expected);
  });

  test("from a kept node though the others are full by now, and never from the only node that there is", () => {
    const full = [node("a", 2), node("b", 2, 0)];
    expect(avoidedNodes(POOL_OF_NODES, full, { cards: 1, kept: "a" })).toEqual({ never: ["a"], rather: [] });
    const only = [node("a", 2)];
    expect(avoidedNodes(POOL_OF_NODES, only, { cards: 1, kept: "a" })).toEqual({ never: [], rather: ["a"] });
  });

  test("from nodes that are there only, the latest in trouble, and not from hundreds", () => {
    const names = Array.from({ length: 100 }, (_, at) => `n${at}`);
    const pool = names.reduce(
      (all, name, at) => struck(all, [`${name}/0`], "E_HEALTH", T0 + at),
      POOL_OF_NODES,
    );
    const few = [node("n3", 8), node("n7", 8), node("fresh", 8)];
    expect(avoidedNodes(pool, few, { cards: 1 })).toEqual({ never: [], rather: ["n7", "n3"] });
    const rather = avoidedNodes(pool, undefined, { cards: 1 })?.rather ?? [];
    expect([rather.length, rather[0]]).toEqual([64, "n99"]);
  });

  test("rather, where the nodes cannot be counted", () => {
    const demand = { cards: 1, failedOn: ["b"] };
    expect(avoidedNodes(both, undefined, demand)).toEqual({ never: [], rather: ["b", "a"] });
  });

  const names = ["a", "b", "c", "d"];
  const size = 4;
  const cluster = fc.record({
    free: fc.array(fc.nat({ max: size }), { minLength: 1, maxLength: names.length }),
    bad: fc.subarray(names.flatMap((name) => [0, 1, 2, 3].map((card) => cardOnNode(name, String(card))))),
    failedOn: fc.subarray(names),
    cards: fc.integer({ min: 1, max: size }),
  });

  test("property: never onto too few healthy cards, nor back while another fits; and never from all that fit", () => {
    fc.assert(
      fc.property(cluster, ({ free, bad, failedOn, cards }) => {
        const nodes = free.map((count, at) => node(names[at] ?? "", size, count));
        const pool = quarantined(bad);
        const avoided = avoidedNodes(pool, nodes, { cards, failedOn }) ?? { never: [], rather: [] };
        const usable = usableNodes(pool, nodes);
        const tooSmall = usable.filter(({ total }) => total < cards).map(({ name }) => name);
        const healthy = usable.filter((one) => one.free >= cards).map(({ name }) => name);
        const others = healthy.filter((name) => !failedOn.includes(name));
        // Wherever a scheduler may put it that sees no quarantine, and obeys.
        const allowed = nodes
          .filter(({ name, free: count }) => count >= cards && !avoided.never.includes(name))
          .map(({ name }) => name);
        expect(common(allowed, tooSmall)).toEqual([]);
        if (others.length > 0) expect(common(allowed, failedOn)).toEqual([]);
        expect(allowed).toEqual(expect.arrayContaining(others.length > 0 ? others : healthy));
        expect(common(avoided.never, avoided.rather)).toEqual([]);
      }),
    );
  });
});
