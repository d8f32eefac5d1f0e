// What holds for each choice of starts whatever the pool, the lanes and the quotas are.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import { freeCards, usedBy } from "../../../shared/domain/pool/pool.ts";
import type { Head, LaneView, Start } from "../../../shared/domain/pool/scheduling.ts";
import { chooseStarts } from "../../../shared/domain/pool/scheduling.ts";
import { laneViews, poolInUse } from "../arbitraries.ts";
import { T0 } from "../builders.ts";

type Use = { readonly cards: number; readonly workers: number };
type Case = {
  readonly pool: Pool;
  readonly lanes: LaneView[];
  readonly limit: number;
  readonly starts: Start[];
};

const RUNS = { numRuns: 500 };

function cases(): fc.Arbitrary<Case> {
  return fc.tuple(fc.boolean(), laneViews(), fc.nat(8)).chain(([named, lanes, limit]) =>
    poolInUse({ named }).map((pool) => {
      const starts = chooseStarts(pool, lanes, { namedCards: named, limit, now: T0 });
      return { pool, lanes, limit, starts };
    }),
  );
}

test("never more cards than are free, never more starts than the limit, no job twice", () => {
  fc.assert(
    fc.property(cases(), ({ pool, limit, starts }) => {
      expect(sumOf(starts)).toBeLessThanOrEqual(freeCards(pool));
      expect(starts.length).toBeLessThanOrEqual(limit);
      expect(new Set(starts.map((start) => start.jobId)).size).toBe(starts.length);
    }),
    RUNS,
  );
});

test("no card is named twice, or while another worker holds it, and as many are named as given", () => {
  const namedCases = fc.tuple(poolInUse({ named: true }), laneViews());
  fc.assert(
    fc.property(namedCases, ([pool, lanes]) => {
      const starts = chooseStarts(pool, lanes, { namedCards: true, limit: 64, now: T0 });
      const held = Object.values(pool.reservations).flatMap((entry) => entry.slots);
      const all = [...held, ...starts.flatMap((start) => start.slots)];
      expect(new Set(all).size).toBe(all.length);
      expect(all.every((slot) => slot >= 0 && slot < pool.total)).toBe(true);
      for (const start of starts) expect(start.slots).toHaveLength(start.cards);
    }),
    RUNS,
  );
});

test("a lane starts its heads in its order, leaving out only what no empty pool could hold", () => {
  fc.assert(
    fc.property(cases(), ({ pool, lanes, starts }) => {
      for (const view of lanes) {
        const own = starts.filter((start) => start.tenant === view.lane.tenant);
        const possible = view.heads.filter(
          (head) => head.cards <= Math.min(pool.total, view.maxCards ?? pool.total),
        );
        expect(own.map((start) => start.jobId)).toEqual(possible.slice(0, own.length).map((head) => head.id));
      }
    }),
    RUNS,
  );
});

test("no lane exceeds its quotas by a start", () => {
  fc.assert(
    fc.property(cases(), ({ pool, lanes, starts }) => {
      for (const view of lanes) {
        const own = starts.filter((start) => start.tenant === view.lane.tenant);
        const use = useAfter(pool, view, own);
        if (own.length === 0) continue;
        expect(use.cards).toBeLessThanOrEqual(view.maxCards ?? Infinity);
        expect(use.workers).toBeLessThanOrEqual(view.maxWorkers ?? Infinity);
      }
    }),
    RUNS,
  );
});

test("at each start no lane of smaller used/weight had a head that fitted", () => {
  fc.assert(
    fc.property(cases(), ({ pool, lanes, starts }) => {
      for (const [index, start] of starts.entries()) {
        const earlier = starts.slice(0, index);
        const shareOf = (view: LaneView) => {
          const { cards, workers } = useAfter(pool, view, ownOf(view, earlier));
          return Math.max(cards, workers) / view.weight;
        };
        const winner = lanes.find((view) => view.lane.tenant === start.tenant) as LaneView;
        for (const view of lanes) {
          if (shareOf(view) < shareOf(winner)) expect(fittingHead(pool, view, earlier)).toBeUndefined();
        }
      }
    }),
    RUNS,
  );
});

test("no lane with a head that fits is left while the limit is not reached", () => {
  fc.assert(
    fc.property(cases(), ({ pool, lanes, limit, starts }) => {
      if (starts.length === limit) return;
      for (const view of lanes) expect(fittingHead(pool, view, starts)).toBeUndefined();
    }),
    RUNS,
  );
});

test("the choice does not depend on the order of the lanes", () => {
  fc.assert(
    fc.property(cases(), ({ pool, lanes, limit, starts }) => {
      const namedCards = starts.some((start) => start.slots.length > 0);
      const again = chooseStarts(pool, lanes.toReversed(), { namedCards, limit, now: T0 });
      expect(again.map((start) => start.jobId)).toEqual(starts.map((start) => start.jobId));
    }),
    RUNS,
  );
});

/** The next job of a lane, when it could start after these; a second reading of the rules, kept as plain as they are. */
function fittingHead(pool: Pool, view: LaneView, starts: readonly Start[]): Head | undefined {
  const own = ownOf(view, starts);
  const next = view.heads.filter((head) => head.cards <= Math.min(pool.total, view.maxCards ?? pool.total))[
    own.length
  ];
  if (next === undefined) return undefined;
  const use = useAfter(pool, view, own);
  const fits =
    next.cards <= freeCards(pool) - sumOf(starts) &&
    use.cards + next.cards <= (view.maxCards ?? Infinity) &&
    use.workers + 1 <= (view.maxWorkers ?? Infinity);
  return fits ? next : undefined;
}

function ownOf(view: LaneView, starts: readonly Start[]): Start[] {
  return starts.filter((start) => start.tenant === view.lane.tenant);
}

function useAfter(pool: Pool, view: LaneView, own: readonly Start[]): Use {
  const { cards, workers } = usedBy(pool, view.lane.tenant);
  return { cards: cards + sumOf(own), workers: workers + own.length };
}

function sumOf(starts: readonly Start[]): number {
  return starts.reduce((sum, start) => sum + start.cards, 0);
}
