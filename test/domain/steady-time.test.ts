// A process's own time: even, whatever happens to the machine's clock.
import { expect, test } from "vitest";
import type { SteadyTime } from "../../shared/domain/steady-time.ts";
import { resumed, steadied } from "../../shared/domain/steady-time.ts";
import { CLOCKS_DIFFER_MS, isAhead, isOfFuture, isOver } from "../../shared/domain/time-gate.ts";
import { T0 } from "./builders.ts";

const HOUR_MS = 3_600_000;

test.each([
  ["a clock that goes right", 0],
  ["one that is set ahead by an hour", HOUR_MS],
  ["one that is set back by an hour", -HOUR_MS],
])("%s: a minute stays a minute, give or take a tenth, and never goes back", (_what, stepMs) => {
  const before: SteadyTime = { at: T0, wall: T0, monotonicMs: 5_000 };
  const atOnce = steadied(before, T0 + stepMs, 5_000);
  expect(atOnce.at).toBe(T0);
  const later = steadied(atOnce, T0 + stepMs + 60_000, 65_000);
  expect(later.at - T0).toBeCloseTo(60_000 + Math.sign(stepMs) * 6_000, 3);
});

test("what was an hour off is followed within ten hours, in however many looks", () => {
  let time: SteadyTime = { at: T0, wall: T0, monotonicMs: 0 };
  for (let minute = 1; minute <= 660; minute++) {
    const wall = T0 + HOUR_MS + minute * 60_000;
    const next = steadied(time, wall, minute * 60_000);
    expect(next.at).toBeGreaterThan(time.at);
    time = next;
  }
  expect(time.at).toBeCloseTo(time.wall, 3);
});

test.each([
  ["a clock that goes right: the time that has passed", { wall: 15_000, aheadMs: 0, at: 15_000 }],
  [
    "one that was set ahead an hour ago, and still is",
    { wall: HOUR_MS + 15_000, aheadMs: -HOUR_MS, at: 15_000 },
  ],
  ["one that was set ahead and is right again", { wall: 15_000, aheadMs: -HOUR_MS, at: 0 }],
  ["one that was set back an hour ago, and still is", { wall: 15_000 - HOUR_MS, aheadMs: HOUR_MS, at: 0 }],
  ["one that was set back and is right again", { wall: 15_000, aheadMs: HOUR_MS, at: 15_000 }],
  ["one that is off by more than half a day", { wall: -13 * HOUR_MS, aheadMs: 0, at: -13 * HOUR_MS }],
  ["a stop in order: the machine's", { wall: -HOUR_MS, aheadMs: undefined, at: -HOUR_MS }],
])("after a crash, with %s", (_what, { wall, aheadMs, at }) => {
  expect(resumed({ startedAt: T0, aheadMs }, T0 + wall)).toBe(T0 + at);
});

test("the first process of all begins with the machine's time", () => {
  expect(resumed(undefined, T0)).toBe(T0);
});

test("a stored time holds back only within its own length", () => {
  expect([-1, 0, 1, 5_000, 5_000 + CLOCKS_DIFFER_MS].map((ms) => isAhead(T0 + ms, 5_000, T0))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
  expect(isAhead(T0 + 5_001 + CLOCKS_DIFFER_MS, 5_000, T0)).toBe(false);
  expect(isAhead(undefined, 5_000, T0)).toBe(false);
});

test("what happened at a time that is still to come is over, but for the difference between two processes", () => {
  expect(isOver(T0, 1_000, T0 + 999)).toBe(false);
  expect(isOver(T0, 1_000, T0 + 1_000)).toBe(true);
  expect(isOver(T0 + CLOCKS_DIFFER_MS, 1_000, T0)).toBe(false);
  expect(isOver(T0 + CLOCKS_DIFFER_MS + 1, 1_000, T0)).toBe(true);
  expect(isOfFuture(T0 + CLOCKS_DIFFER_MS + 1, T0)).toBe(true);
});
