// Seen twice, some time apart, or left alone.
import { expect, test } from "vitest";
import { SECOND_SIGHT_MS } from "../../../shared/domain/deadlines.ts";
import { sight } from "../../../shared/domain/upkeep/sightings.ts";
import { T0 } from "../builders.ts";

test("a first sight confirms nothing, a second one too soon neither", () => {
  const first = sight(undefined, ["a", "b"], T0);
  expect(first.confirmed).toEqual([]);
  const soon = sight(first.next, ["a", "b"], T0 + SECOND_SIGHT_MS - 1);
  expect(soon.confirmed).toEqual([]);
  expect(sight(soon.next, ["b", "c"], T0 + SECOND_SIGHT_MS).confirmed).toEqual(["b"]);
});

test("what was not seen in between begins anew", () => {
  const first = sight(undefined, ["a"], T0);
  const gone = sight(first.next, [], T0 + 1_000);
  expect(sight(gone.next, ["a"], T0 + SECOND_SIGHT_MS).confirmed).toEqual([]);
});

test("thousands of names do not outgrow their document", () => {
  const names = Array.from({ length: 9_000 }, (_, n) => `npud-t3st00-${String(n).padStart(12, "0")}`);
  const { next } = sight(undefined, names, T0);
  expect(JSON.stringify(next).length).toBeLessThan(150_000);
  expect(sight(next, names, T0 + SECOND_SIGHT_MS).confirmed).toHaveLength(2_000);
});
