// Whose turn it is: shares by weight, what each has had before, and who shares at all.
import { describe, expect, test } from "vitest";
import { AGING_MS, BALANCE_CARD_MS } from "../../../shared/domain/deadlines.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import { release, reserve, sharedBy } from "../../../shared/domain/pool/pool.ts";
import type { Choice, LaneView } from "../../../shared/domain/pool/scheduling.ts";
import { chooseStarts, isExhausted, rivalsAfter } from "../../../shared/domain/pool/scheduling.ts";
import { aPool, aWorkerId, T0 } from "../builders.ts";
import { ANY, chosen, head, lane } from "./queues.ts";

describe("fair shares", () => {
  test("lanes of equal weight take turns", () => {
    expect(chosen(aPool({ total: 5 }), [lane("a", [1, 1, 1, 1]), lane("b", [1, 1])])).toEqual([
      "a0",
      "b0",
      "a1",
      "b1",
      "a2",
    ]);
  });

  test("a lane of twice the weight gets twice the cards", () => {
    const lanes = [lane("a", [1, 1, 1, 1, 1, 1]), lane("b", [1, 1, 1, 1, 1, 1], { weight: 2 })];
    const starts = chosen(aPool({ total: 6 }), lanes);
    expect(starts.filter((id) => id.startsWith("b"))).toHaveLength(4);
  });

  test("cards that weights do not divide go to each in turn", () => {
    const rivals = { a: 1, b: 1 };
    const holding = (tenant: string, cards: number, pool = aPool({ total: 3 })) =>
      reserve(pool, aWorkerId(tenant), { tenant: tenantId(tenant), cards, slots: [] }, T0);
    const shared = sharedBy(holding("b", 1, holding("a", 2)), rivals, T0);
    const later = T0 + BALANCE_CARD_MS;
    const freed = release(release(shared, aWorkerId("a"), later), aWorkerId("b"), later);
    const lanes = [lane("a", [1, 1, 1]), lane("b", [1, 1, 1])];
    expect(chosen(freed, lanes, { ...ANY, now: later })).toEqual(["b0", "a0", "b1"]);
  });

  test("who has had more than its part is first once more when the others no longer wait", () => {
    const balance = { at: T0, rivals: {}, beyond: { a: 9 * BALANCE_CARD_MS } };
    expect(chosen({ ...aPool({ total: 2 }), balance }, [lane("a", [1, 1])])).toEqual(["a0", "a1"]);
  });

  test("what a tenant already holds counts", () => {
    const pool = reserve(
      aPool({ total: 4 }),
      aWorkerId("w"),
      { tenant: tenantId("a"), cards: 2, slots: [] },
      T0,
    );
    expect(chosen(pool, [lane("a", [1, 1]), lane("b", [1, 1])])).toEqual(["b0", "b1"]);
  });

  test("a card-less worker counts as one card", () => {
    const starts = chosen(aPool({ total: 0 }), [lane("a", [0, 0, 0]), lane("b", [0, 0, 0])], {
      ...ANY,
      limit: 4,
    });
    expect(starts).toEqual(["a0", "b0", "a1", "b1"]);
  });

  test("ties go to the longer waiting head, whichever lane comes first", () => {
    const older = lane("b", [], { heads: [head("old", 1, T0)] });
    const newer = lane("a", [], { heads: [head("new", 1, T0 + 1)] });
    expect(chosen(aPool(), [newer, older])).toEqual(["old", "new"]);
    expect(chosen(aPool(), [older, newer])).toEqual(["old", "new"]);
  });

  test("of two that have both waited for long the larger is first; a young one, however large, is not", () => {
    const small = lane("a", [], { heads: [head("small", 1, T0)] });
    const large = (queuedAt: number) => lane("b", [], { heads: [head("large", 8, queuedAt)] });
    const now = T0 + AGING_MS + 1;
    for (const turned of [false, true]) {
      const first = (queuedAt: number) => {
        const lanes = [small, large(queuedAt)];
        return chosen(aPool(), turned ? lanes.toReversed() : lanes, { ...ANY, now });
      };
      expect(first(T0 + 1)).toEqual(["large"]);
      expect(first(T0 + 2)).toEqual(["small"]);
    }
  });

  test("a priority counts within its lane only", () => {
    const pushy = lane("a", [], { heads: [head("urgent", 1, T0 + 1, 1_000)] });
    const patient = lane("b", [], { heads: [head("old", 1, T0)] });
    expect(chosen(aPool(), [pushy, patient])).toEqual(["old", "urgent"]);
  });
});

describe("rivals", () => {
  const rivals = (lanes: LaneView[], pool = aPool({ total: 2 })) =>
    rivalsAfter(pool, lanes, chooseStarts(pool, lanes, ANY), ANY);

  test("are those with more to start, with their weights", () => {
    expect(rivals([lane("a", [1, 1]), lane("b", [1, 1], { weight: 3 })])).toEqual({ a: 1, b: 3 });
    expect(rivals([lane("a", [1]), lane("b", [1])])).toEqual({});
  });

  test("have room for more in their quotas after their own starts, whatever others start", () => {
    expect(rivals([lane("a", [1, 1], { maxCards: 1 })])).toEqual({});
    expect(rivals([lane("a", [1, 1], { maxCards: 2 }), lane("b", [1])])).toEqual({ a: 1 });
  });

  test("are forgotten with what they had: a pool that nobody shares is as it was", () => {
    const shared = sharedBy(aPool(), { a: 1, b: 1 }, T0);
    expect(shared.balance).toEqual({ at: T0, rivals: { a: 1, b: 1 }, beyond: {} });
    expect(sharedBy(shared, {}, T0)).toStrictEqual(aPool());
  });

  test("are not those that only their own quota holds back, nor for a job that never fits", () => {
    const lanes = [lane("a", [1, 1], { maxCards: 1 }), lane("b", [1, 1], { maxWorkers: 1 }), lane("c", [3])];
    expect(rivals(lanes)).toEqual({});
  });
});

describe("what stands behind the heads that were read is looked at", () => {
  const exhausted = (view: LaneView, pool = aPool({ total: 8 }), more: Partial<Choice> = {}) =>
    isExhausted(view, chooseStarts(pool, [view], { ...ANY, ...more }), pool, more);

  test("when all of them start, or never can: larger than the pool, or than the quota", () => {
    expect(exhausted(lane("a", [4, 4]))).toBe(true);
    expect(exhausted(lane("a", [9, 8]))).toBe(true);
    expect(exhausted(lane("a", [4, 3], { maxCards: 3 }))).toBe(true);
    expect(exhausted(lane("a", []))).toBe(true);
  });

  test("not while one of them waits for cards, or for others of its tenant to end", () => {
    expect(exhausted(lane("a", [4, 5]))).toBe(false);
    expect(exhausted(lane("a", [3, 3], { maxCards: 3 }))).toBe(false);
    expect(exhausted(lane("a", [1, 1], { maxWorkers: 1 }))).toBe(false);
  });

  test("not for a tenant that has all that it may have: a look would change nothing", () => {
    expect(exhausted(lane("a", [2, 2], { maxCards: 0 }), aPool({ total: 8 }), { fewestCards: 1 })).toBe(
      false,
    );
    expect(exhausted(lane("a", [2], { maxCards: 3 }), aPool({ total: 8 }), { fewestCards: 2 })).toBe(false);
    expect(exhausted(lane("a", [2], { maxCards: 3 }), aPool({ total: 8 }), { fewestCards: 1 })).toBe(true);
    expect(exhausted(lane("a", [2], { maxCards: 2 }), aPool({ total: 8 }))).toBe(true);
    expect(exhausted(lane("a", [1], { maxWorkers: 1 }))).toBe(false);
  });

  test("when none of the pool's nodes could ever take them, however many cards it has in all", () => {
    const nodes = ["n1", "n2"].map((name) => ({ name, total: 8, free: 8 }));
    expect(exhausted(lane("a", [16, 16]), aPool({ total: 16 }), { nodes })).toBe(true);
    expect(exhausted(lane("a", [16, 16]), aPool({ total: 16 }))).toBe(false);
    expect(exhausted(lane("a", [8]), aPool({ total: 16 }), { nodes: [{ ...nodes[0]!, free: 7 }] })).toBe(
      false,
    );
  });
});
