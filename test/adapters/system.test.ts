// The machine's clock and chance.
import { expect, test } from "vitest";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { systemRandom } from "../../shared/adapters/system/random.ts";

test("the clock is the machine's", () => {
  const before = Date.now();
  const now = systemClock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

test.each([0, 1, 12, 300])("a token of %i characters", (length) => {
  expect(systemRandom.token(length)).toMatch(new RegExp(`^[a-z0-9]{${length}}$`));
});

test("tokens do not repeat, and every character is about as likely", () => {
  const tokens = Array.from({ length: 2_000 }, () => systemRandom.token(36));
  expect(new Set(tokens).size).toBe(tokens.length);
  const counts = new Map<string, number>();
  for (const character of tokens.join("")) counts.set(character, (counts.get(character) ?? 0) + 1);
  expect(counts.size).toBe(36);
  // 2,000 expected of each with a deviation of 44: six deviations happen once in 10^7 runs of this test.
  for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(6 * 45);
});

test("fractions lie in [0, 1) and fill it", () => {
  const fractions = Array.from({ length: 2_000 }, () => systemRandom.fraction());
  expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
  expect(new Set(fractions.map((fraction) => Math.floor(fraction * 10))).size).toBe(10);
});
