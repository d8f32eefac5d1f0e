// A card that fails is taken out of use, tried again, and cleared by a job that ran on it.
import { expect, test } from "vitest";
import { QUARANTINE_MAX_MS, QUARANTINE_MS, STRIKE_MEMORY_MS } from "../../../shared/domain/deadlines.ts";
import { cleared, lifted, quarantinedByHand, struck } from "../../../shared/domain/pool/card-trouble.ts";
import { avoidedNodes, hasNodesInTrouble } from "../../../shared/domain/pool/node-trouble.ts";
import { freeCards, freeSlots, reserve, usableCards } from "../../../shared/domain/pool/pool.ts";
import { aPool, aWorkerId, T0, TENANT } from "../builders.ts";

const WHY = "card 2 says Health: Alarm";

test("one failure: still in use, and chosen last", () => {
  const pool = struck(aPool({ total: 4 }), ["0"], WHY, T0);
  expect([freeCards(pool), usableCards(pool)]).toEqual([4, 4]);
  expect(freeSlots(pool)).toEqual([1, 2, 3, 0]);
});

test("two failures: given to nobody for an hour, with the reason", () => {
  const pool = struck(struck(aPool({ total: 4 }), ["2"], "first", T0), ["2"], WHY, T0 + 1);
  expect(pool.trouble?.["2"]).toEqual({
    strikes: 2,
    lastAt: T0 + 1,
    reason: WHY,
    until: T0 + 1 + QUARANTINE_MS,
  });
  expect([freeCards(pool), usableCards(pool)]).toEqual([3, 3]);
  expect(freeSlots(pool)).toEqual([0, 1, 3]);
});

test("one that the pool no longer has, or that is on a node, is none of its slots", () => {
  const pool = aPool({ total: 4 });
  const out = (card: string) => struck(struck(pool, [card], WHY, T0), [card], WHY, T0);
  for (const card of ["4", "9", "n1/2"])
    expect([freeCards(out(card)), usableCards(out(card))]).toEqual([4, 4]);
  expect(usableCards(out("3"))).toBe(3);
});

test("one that is held when it is put in quarantine counts once", () => {
  const held = reserve(aPool({ total: 4 }), aWorkerId("w"), { tenant: TENANT, cards: 1, slots: [2] }, T0);
  const pool = struck(struck(held, ["2"], WHY, T0), ["2"], WHY, T0);
  expect(freeCards(pool)).toBe(3);
});

test("when its time is over it is tried again, and one failure puts it back for twice as long, up to a day", () => {
  let pool = struck(struck(aPool({ total: 4 }), ["2"], WHY, T0), ["2"], WHY, T0);
  let now = T0;
  for (const hours of [2, 4, 8, 16, 24, 24]) {
    const until = pool.trouble?.["2"]?.until as number;
    expect(lifted(pool, until - 1)).toBe(pool);
    now = until;
    pool = lifted(pool, now);
    expect(freeCards(pool)).toBe(4);
    pool = struck(pool, ["2"], WHY, now);
    expect(pool.trouble?.["2"]?.until).toBe(now + Math.min(hours * QUARANTINE_MS, QUARANTINE_MAX_MS));
  }
});

test("each comes back in its own time: another stays out", () => {
  const first = struck(struck(aPool({ total: 4 }), ["2"], WHY, T0), ["2"], WHY, T0);
  const pool = struck(struck(first, ["3"], WHY, T0 + 9), ["3"], WHY, T0 + 9);
  expect(freeSlots(lifted(pool, T0 + QUARANTINE_MS))).toEqual([0, 1, 2]);
  expect(lifted(pool, T0 + QUARANTINE_MS).trouble?.["3"]).toEqual(pool.trouble?.["3"]);
});

test("a job that ran on it clears it; other cards and an untroubled pool stay as they are", () => {
  const pool = struck(aPool({ total: 4 }), ["1", "2"], WHY, T0);
  expect(Object.keys(cleared(pool, ["2"]).trouble ?? {})).toEqual(["1"]);
  expect(cleared(pool, ["3"])).toBe(pool);
  const untroubled = aPool();
  expect(cleared(untroubled, ["0"])).toBe(untroubled);
  expect(lifted(untroubled, T0)).toBe(untroubled);
});

test("a card on a node is trouble of that node, a card with a slot of none; one that lacks cards by nature is no trouble", () => {
  const slots = struck(aPool({ total: 4 }), ["2"], WHY, T0);
  expect([hasNodesInTrouble(slots), hasNodesInTrouble(struck(slots, ["n1/0"], WHY, T0))]).toEqual([
    false,
    true,
  ]);
  const pool = struck(struck(aPool(), ["n1/0"], WHY, T0), ["n1/0"], WHY, T0);
  const nodes = [
    { name: "n1", total: 8, free: 8 },
    { name: "n2", total: 4, free: 4 },
  ];
  expect(avoidedNodes(pool, nodes, { cards: 8 })).toEqual({ never: ["n1"], rather: [] });
});

test("one that an operator takes out of use keeps its record, and its pool all the rest", () => {
  const pool = struck(aPool({ total: 4 }), ["1", "2"], WHY, T0);
  const taken = quarantinedByHand(pool, "2", "HBM errors", T0 + 9);
  expect(taken).toMatchObject({ total: 4, trouble: { "1": { strikes: 1, reason: WHY } } });
  const entry = { strikes: 1, lastAt: T0 + 9, reason: "HBM errors", byHand: true };
  expect(taken.trouble?.["2"]).toMatchObject(entry);
  expect(quarantinedByHand(pool, "3", "noise", T0).trouble?.["3"]?.strikes).toBe(0);
});

test("a failure of long ago says nothing about the card", () => {
  const pool = struck(struck(aPool({ total: 4 }), ["2"], WHY, T0), ["2"], WHY, T0 + STRIKE_MEMORY_MS);
  expect(pool.trouble?.["2"]).toMatchObject({ strikes: 1, until: undefined });
});

test("it is forgotten once it is that old, with the card of a node that is gone; no sooner, and none in quarantine", () => {
  const old = struck(aPool(), ["gone/0"], WHY, T0);
  expect(lifted(old, T0 + STRIKE_MEMORY_MS - 1)).toBe(old);
  expect(lifted(old, T0 + STRIKE_MEMORY_MS).trouble).toEqual({});
  const byHand = quarantinedByHand(old, "2", WHY, T0);
  expect(Object.keys(lifted(byHand, T0 + STRIKE_MEMORY_MS).trouble ?? {})).toEqual(["2"]);
  const longAgo = struck(struck(aPool(), ["2"], WHY, T0), ["2"], WHY, T0);
  expect(lifted(longAgo, T0 + STRIKE_MEMORY_MS).trouble).toEqual({});
});

test("a year of nodes that come, fail and go leaves the failures of two days", () => {
  const day = STRIKE_MEMORY_MS / 2;
  let pool = aPool();
  for (let at = 1; at <= 365; at++) {
    const cards = [0, 1, 2].map((n) => `node-${at}-${n}/0`);
    pool = struck(lifted(pool, T0 + at * day), cards, WHY, T0 + at * day);
  }
  expect(Object.keys(pool.trouble ?? {})).toHaveLength(6);
});
