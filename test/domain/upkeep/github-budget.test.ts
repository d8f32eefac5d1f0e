// What GitHub lets us do: classes of calls by what is left, and counts of what no header shows.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CallClass,
  countEndsAt,
  GRANT_MS,
  givenBack,
  grantable,
  grantableAt,
  granted,
  heldUntil,
  latestRate,
  POINTS,
  pointsOf,
  type RateBudget,
  REGISTRATIONS,
  refusedUntil,
} from "../../../shared/domain/upkeep/github-budget.ts";
import type { RegistrationCount } from "../../../shared/domain/upkeep/marks.ts";
import { T0 } from "../builders.ts";

const HOUR_MS = 3_600_000;
const EMPTY: RegistrationCount = { buckets: {} };
const rate = (remaining: number, limit = 5_000): RateBudget => ({ limit, remaining, resetAt: T0 + HOUR_MS });

describe("classes of calls", () => {
  test.each<[CallClass, number]>([
    ["start", 50],
    ["check", 500],
    ["clean-up", 1_500],
  ])("%s leaves %i of 5,000 calls", (callClass, left) => {
    expect(heldUntil(callClass, rate(left + 1), T0)).toBeUndefined();
    expect(heldUntil(callClass, rate(left), T0)).toBe(T0 + HOUR_MS);
  });

  test("nothing is held back before the first answer, nor after the reset", () => {
    expect(heldUntil("clean-up", undefined, T0)).toBeUndefined();
    expect(heldUntil("clean-up", rate(0), T0 + HOUR_MS)).toBeUndefined();
  });

  test("whoever may call, those that are more urgent may too", () => {
    fc.assert(
      fc.property(fc.nat(15_000), fc.integer({ min: 1, max: 15_000 }), (remaining, limit) => {
        const held = (["start", "check", "clean-up"] as const).map(
          (one) => heldUntil(one, rate(remaining, limit), T0) !== undefined,
        );
        expect(held).toEqual([...held].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });
});

describe("answers of GitHub's that overtake each other", () => {
  test("within an hour the least counts, whatever comes last", () => {
    expect(latestRate(undefined, rate(7))).toEqual(rate(7));
    expect(latestRate(rate(8), rate(7))).toEqual(rate(7));
    expect(latestRate(rate(7), { ...rate(8), resetAt: T0 + HOUR_MS + 1_000 })).toEqual(rate(7));
  });

  test("the next hour's answer replaces, a late one of the last hour does not", () => {
    const next = { ...rate(4_999), resetAt: T0 + 2 * HOUR_MS };
    expect(latestRate(rate(7), next)).toEqual(next);
    const minute = { ...rate(4_999), resetAt: T0 + HOUR_MS + 60_000 };
    expect([latestRate(rate(7), minute), latestRate(minute, rate(7))]).toEqual([minute, minute]);
    expect(latestRate(next, rate(7))).toEqual(next);
  });
});

/** GitHub's own words: 1,500 in 5 minutes. */
const WINDOW_MS = 300_000;
/** From a grant to the registration: a minute until it is asked for, half a minute for config.sh. */
const MOST_DELAY_MS = GRANT_MS + 30_000;

type Step = { readonly afterMs: number; readonly wanted: number; readonly delayMs: number };
const steps = fc.array(
  fc.record<Step>({ afterMs: fc.nat(90_000), wanted: fc.nat(900), delayMs: fc.nat(MOST_DELAY_MS) }),
  { minLength: 1, maxLength: 60 },
);

/** As the dispatcher does it: never more than is grantable. */
function grantAll(plan: readonly Step[]) {
  let now = T0;
  let count = EMPTY;
  const registered: { at: number; n: number }[] = [];
  for (const { afterMs, wanted, delayMs } of plan) {
    now += afterMs;
    const n = Math.min(wanted, grantable(count, now));
    count = granted(count, n, now);
    registered.push({ at: now + delayMs, n });
  }
  return { registered, count, now };
}

/** All as late as they may be, then, as soon as more can be had, all at once. */
function worstPlan(): Step[] {
  const again = grantableAt(granted(EMPTY, 1_500, T0), 1, T0) - T0;
  return [
    { afterMs: 0, wanted: 1_500, delayMs: MOST_DELAY_MS },
    { afterMs: again, wanted: 1_500, delayMs: 0 },
  ];
}

describe("registrations", () => {
  test("never more than 1,500 in any 5 minutes, whenever they are granted and however late they are made", () => {
    const plans = fc.oneof(steps, fc.constant(worstPlan()));
    fc.assert(
      fc.property(plans, (plan) => {
        const { registered } = grantAll(plan);
        for (const { at } of registered) {
          const within = registered.filter((one) => one.at <= at && one.at > at - WINDOW_MS);
          expect(within.reduce((sum, one) => sum + one.n, 0)).toBeLessThanOrEqual(1_500);
        }
      }),
    );
  });

  test("what is wanted can be had at the time that is told, and not before", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 1_500 }), (plan, n) => {
        const { count, now } = grantAll(plan);
        const at = grantableAt(count, n, now);
        expect(grantable(count, at)).toBeGreaterThanOrEqual(n);
        if (at > now) expect(grantable(count, at - 1)).toBeLessThan(n);
        expect(at - now).toBeLessThanOrEqual(REGISTRATIONS.spanMs + REGISTRATIONS.bucketMs);
      }),
    );
  });

  test("what is given back can be granted again, and nothing more", () => {
    fc.assert(
      fc.property(steps, fc.nat(2_000), (plan, n) => {
        const { count, now } = grantAll(plan);
        const used = Math.min(n, grantable(count, now));
        const back = givenBack(granted(count, used, now), used, now, now);
        expect(grantable(back, now)).toBe(grantable(count, now));
        expect(grantable(givenBack(EMPTY, n, now, now), now)).toBe(1_500);
      }),
    );
  });

  test("given back in a later bucket than it was granted in", () => {
    const later = T0 + 3 * REGISTRATIONS.bucketMs;
    expect(grantable(givenBack(granted(EMPTY, 10, T0), 4, T0, later), later)).toBe(1_494);
  });

  test("a refusal of GitHub's leaves nothing until its time, whatever was counted, and then what was before", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: HOUR_MS }), (plan, ms) => {
        const { count, now } = grantAll(plan);
        const refused = refusedUntil(count, now + ms, now);
        expect(grantable(refused, now)).toBe(0);
        expect(grantable(refused, now + ms - 1)).toBe(0);
        expect(grantable(refused, now + ms)).toBe(grantable(count, now + ms));
      }),
    );
  });

  test("a few buckets at most, and none for ever", () => {
    const hour = Array.from({ length: 3_600 }, () => ({ afterMs: 1_000, wanted: 5, delayMs: 0 }));
    const { count, now } = grantAll(hour);
    const most = REGISTRATIONS.spanMs / REGISTRATIONS.bucketMs + 2;
    expect(Object.keys(count.buckets).length).toBeLessThanOrEqual(most);
    expect(grantable(count, countEndsAt(count, now))).toBe(1_500);
    expect(countEndsAt(EMPTY, now)).toBe(now);
    expect(grantable(count, countEndsAt(count, now) - 1)).toBeLessThan(1_500);
    expect(Object.keys(granted(count, 0, now + HOUR_MS).buckets)).toEqual([]);
  });
});

test("180 writes or 900 reads a minute at one address", () => {
  expect(POINTS.limit / pointsOf("POST")).toBe(180);
  expect(POINTS.limit / pointsOf("DELETE")).toBe(180);
  expect(POINTS.limit / pointsOf("GET")).toBe(900);
  const full = granted(EMPTY, 900, T0, POINTS);
  expect(grantable(full, T0 + POINTS.spanMs - 1, POINTS)).toBe(0);
  expect(grantableAt(full, 5, T0, POINTS) - T0).toBeLessThanOrEqual(POINTS.spanMs + POINTS.bucketMs);
});
