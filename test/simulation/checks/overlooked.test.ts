// What is due and not looked at is noticed; what is looked at, and what waits while faults last, is not.
import { expect, test } from "vitest";
import type { World } from "../world.ts";
import { createOverlooked } from "./overlooked.ts";
import type { Rule } from "./rules.ts";

const MINUTE = 60_000;

test("due for a quarter of an hour, and nobody looks: overlooked", () => {
  expect(brokenAfter(14, {})).toEqual([]);
  expect(brokenAfter(16, {})).toEqual(["overlooked"]);
});

test.each([
  ["while a fault lasts", { calmSince: undefined }],
  ["soon after the last fault", { calmSince: 10 * MINUTE }],
  ["while the dispatcher is away", { isAway: true }],
  ["when each look gives it another time", { dueAt: (now: number) => now - MINUTE }],
  ["before it is due", { dueAt: () => 60 * MINUTE }],
])("%s it may be", (_, given) => {
  expect(brokenAfter(20, given)).toEqual([]);
});

type Given = {
  readonly calmSince?: number | undefined;
  readonly isAway?: boolean;
  readonly dueAt?: (now: number) => number;
};

function brokenAfter(minutes: number, given: Given): Rule[] {
  const { isAway = false, dueAt = () => 0 } = given;
  const rules: Rule[] = [];
  let now = 0;
  const world = {
    table: { all: { due: new Map([["gh-1", item()]]) } },
    weather: { calmSince: "calmSince" in given ? given.calmSince : 0 },
    timeline: { now: () => now },
    dispatcher: { isAway },
    watch: { broken: (rule: Rule) => rules.push(rule) },
  };
  const look = createOverlooked(world as unknown as World);
  for (; now <= minutes * MINUTE && rules.length === 0; now += MINUTE) {
    world.table.all.due.set("gh-1", item());
    look();
  }
  return rules;

  function item() {
    return { kind: "job", id: "gh-1", dueAt: dueAt(now) };
  }
}
