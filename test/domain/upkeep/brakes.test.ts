// When the reconciler stops nothing rather than much.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BRAKES_HOLD_MS, BRAKES_RECHECK_MS, BRAKES_WINDOW_MS } from "../../../shared/domain/deadlines.ts";
import type { BrakesView } from "../../../shared/domain/upkeep/brakes.ts";
import { decideBrakes } from "../../../shared/domain/upkeep/brakes.ts";
import { T0 } from "../builders.ts";

const names = (count: number, prefix = "w") => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

function decide(view: Partial<BrakesView>, afterMs = 0) {
  return decideBrakes({ planned: [], live: [], recent: {}, halted: {}, ...view }, T0 + afterMs);
}

describe("over 3 and over 10 % of the live workers", () => {
  test.each([
    [3, 3, "go"],
    [4, 4, "halt"],
    [4, 39, "halt"],
    [4, 40, "go"],
    [10, 100, "go"],
    [11, 100, "halt"],
  ] as const)("%i of %i: %s", (stops, live, outcome) => {
    const decision = decide({ planned: names(stops), live: names(live) });
    expect(decision[outcome]).toHaveLength(stops);
    expect(decision.go.length + decision.halt.length).toBe(stops);
  });

  test("containers without a record count as workers", () => {
    expect(decide({ planned: names(4, "orphan"), live: names(36) }).halt).toEqual([]);
    expect(decide({ planned: names(4, "orphan"), live: names(35) }).halt).toHaveLength(4);
  });
});

test("stops that come in drops, pass after pass, count together", () => {
  const live = names(20);
  const first = decide({ planned: ["w0", "w1", "w2"], live });
  expect(first.halt).toEqual([]);
  const view = { planned: ["w3"], live: live.slice(3), recent: first.recent };
  expect(decide(view, BRAKES_WINDOW_MS - 1).halt).toEqual(["w3"]);
  expect(decide(view, BRAKES_WINDOW_MS).halt).toEqual([]);
});

test("what is seen so for half an hour is let go, whoever joins in later waits in turn", () => {
  const live = names(20);
  let state: Pick<BrakesView, "recent" | "halted"> = { recent: {}, halted: {} };
  for (let at = 0; at < BRAKES_HOLD_MS; at += BRAKES_RECHECK_MS) {
    const planned = at < BRAKES_HOLD_MS / 2 ? names(5) : names(6);
    const decision = decide({ planned, live, ...state }, at);
    expect(decision.go).toEqual([]);
    state = decision;
  }
  const last = decide({ planned: names(6), live, ...state }, BRAKES_HOLD_MS);
  expect(last.letGo).toEqual(names(5));
  expect(last.go).toEqual(names(5));
  expect(last.halt).toEqual(["w5"]);
});

test("one that a single pass did not see so keeps its time, for as long as it counts", () => {
  const live = names(20);
  const first = decide({ planned: names(5), live });
  const without = decide({ planned: names(4), live, ...first }, BRAKES_WINDOW_MS - 1);
  expect(without.halt).toEqual(names(4));
  expect(without.halted).toEqual(Object.fromEntries(names(5).map((name) => [name, T0])));
  const again = decide({ planned: names(5), live, ...without }, BRAKES_HOLD_MS);
  expect(again.letGo).toEqual(names(5));
});

test("what went freely a moment ago counts, and its own time to be let go has not begun", () => {
  const live = names(20);
  const first = decide({ planned: names(3), live });
  expect(first.go).toEqual(names(3));
  const second = decide({ planned: ["w7", "w8"], live, ...first }, 1);
  expect(second.halted).toEqual({ w7: T0 + 1, w8: T0 + 1 });
});

test("what was let go, and what goes freely, is no longer halted", () => {
  const live = names(20);
  const first = decide({ planned: names(5), live });
  const planned = [...names(5), "w7"];
  const later = decide({ planned, live, ...first }, BRAKES_HOLD_MS);
  expect(later.letGo).toEqual(names(5));
  expect(later.halted).toEqual({ w7: T0 + BRAKES_HOLD_MS });
  expect(Object.keys(later.recent)).toHaveLength(6);
});

test("one that was well in between begins anew", () => {
  const live = names(20);
  const first = decide({ planned: names(5), live });
  const well = decide({ planned: ["w9"], live, ...first }, BRAKES_WINDOW_MS);
  expect(well.go).toEqual(["w9"]);
  const again = decide({ planned: names(5), live, recent: well.recent, halted: well.halted }, BRAKES_HOLD_MS);
  expect(again.halt).toEqual(names(5));
});

test("property: nothing is lost or doubled, and a few stops always go", () => {
  const noted = fc.dictionary(
    fc.constantFrom(...names(30)),
    fc.integer({ min: T0 - 2 * BRAKES_HOLD_MS, max: T0 }),
  );
  const some = fc.uniqueArray(fc.constantFrom(...names(30)));
  fc.assert(
    fc.property(some, some, noted, noted, (planned, live, recent, halted) => {
      const decision = decide({ planned, live, recent, halted });
      expect(new Set([...decision.go, ...decision.halt])).toEqual(new Set(planned));
      for (const name of decision.letGo)
        expect(T0 - (halted[name] ?? T0)).toBeGreaterThanOrEqual(BRAKES_HOLD_MS);
      expect(Object.keys(decision.recent)).toEqual(expect.arrayContaining([...planned]));
      if (Object.keys(recent).length + planned.length <= 3) expect(decision.halt).toEqual([]);
    }),
  );
});
