// A card that fails is taken out of use, tried again, and cleared by a job that ran on it.
import { expect, test } from "vitest";
import { cleared, lifted, struck } from "../../shared/domain/card-trouble.ts";
import { QUARANTINE_MAX_MS, QUARANTINE_MS, STRIKE_MEMORY_MS } from "../../shared/domain/deadlines.ts";
import { freeCards, freeSlots, reserve, usableCards } from "../../shared/domain/pool.ts";
import { aPool, aWorkerId, T0, TENANT } from "./builders.ts";

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

test("one that is held when it is put in quarantine counts once", () => {
  const held = reserve(aPool({ total: 4 }), aWorkerId("w"), { tenant: TENANT, cards: 1, slots: [2] });
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

test("a job that ran on it clears it; other cards and an untroubled pool stay as they are", () => {
  const pool = struck(aPool({ total: 4 }), ["1", "2"], WHY, T0);
  expect(Object.keys(cleared(pool, ["2"]).trouble ?? {})).toEqual(["1"]);
  expect(cleared(pool, ["3"])).toBe(pool);
  const untroubled = aPool();
  expect(cleared(untroubled, ["0"])).toBe(untroubled);
  expect(lifted(untroubled, T0)).toBe(untroubled);
});

test("a failure of long ago says nothing about the card", () => {
  const pool = struck(struck(aPool({ total: 4 }), ["2"], WHY, T0), ["2"], WHY, T0 + STRIKE_MEMORY_MS);
  expect(pool.trouble?.["2"]).toMatchObject({ strikes: 1, until: undefined });
});
