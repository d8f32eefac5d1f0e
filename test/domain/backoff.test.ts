// Back-off stays within its bounds and never shrinks.
import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "../../shared/domain/backoff.ts";

const LIMITS = { minMs: 2_000, maxMs: 60_000 };
const LAST_RANDOM = 1 - Number.EPSILON;

test.each([
  [0, 0, 2_000],
  [0, LAST_RANDOM, 2_000],
  [1, 0.5, 3_000],
  [3, LAST_RANDOM, 16_000],
  [5, LAST_RANDOM, 60_000],
  [5_000, LAST_RANDOM, 60_000],
  [5_000, 0, 2_000],
])("attempt %i with random %d: %i ms", (attempt, random, expected) => {
  expect(backoffMs(attempt, random, LIMITS)).toBe(expected);
});

const bounds = fc
  .tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 1_000_000 }))
  .map(([minMs, more]) => ({ minMs, maxMs: minMs + more }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("property: between its bounds, in whole milliseconds, at any attempt", () => {
  fc.assert(
    fc.property(fc.nat(100_000), random, bounds, (attempt, fraction, limits) => {
      const delay = backoffMs(attempt, fraction, limits);
      expect(delay).toBeGreaterThanOrEqual(limits.minMs);
      expect(delay).toBeLessThanOrEqual(limits.maxMs);
      expect(Number.isInteger(delay)).toBe(true);
    }),
  );
});

test("property: a later attempt, or a larger random number, never waits less", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(40), random, random, bounds, (attempt, more, one, other, limits) => {
      const [less, greater] = [Math.min(one, other), Math.max(one, other)];
      expect(backoffMs(attempt + more, greater, limits)).toBeGreaterThanOrEqual(
        backoffMs(attempt, less, limits),
      );
    }),
  );
});

test("without a minimum there is no wait at any attempt, and never NaN", () => {
  expect(backoffMs(5_000, 0.5, { minMs: 0, maxMs: 10 })).toBe(0);
});
