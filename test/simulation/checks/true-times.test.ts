// How early a limit may end something: by the slack of slow writes, and by a tenth where a clock that was set is followed.
import { expect, test } from "vitest";
import { leastOf } from "./true-times.ts";

const HOUR_MS = 3_600_000;

test("a limit may come a write early, and a tenth where a clock that was set is followed", () => {
  expect(leastOf(HOUR_MS, false)).toBe(HOUR_MS - 100_000);
  expect(leastOf(HOUR_MS, true)).toBeCloseTo(HOUR_MS / 1.1 - 100_000);
});
