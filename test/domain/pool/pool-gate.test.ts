// What keeps a pool from starting workers: another pass, and a driver that was away or full.
import { describe, expect, test } from "vitest";
import {
  PASS_LOCK_MS,
  POOL_PAUSE_MAX_MS,
  POOL_RETRY_MS,
  SAME_OUTAGE_MS,
} from "../../../shared/domain/deadlines.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import {
  awayFrom,
  awayUntil,
  lockedBy,
  outageOf,
  pausedFor,
  uncountable,
  unlocked,
  withRoom,
} from "../../../shared/domain/pool/pool-gate.ts";
import { aPool, T0, TENANT } from "../builders.ts";

const OTHER = tenantId(4712);
const THIRD = tenantId(4713);
const why = "the quota is used up";

test("one pass at a time; another one leaves a word, and the holder's end takes lock and word away", () => {
  const mine = lockedBy(aPool(), "one", T0);
  expect(mine).toMatchObject({ lock: { holder: "one", until: T0 + PASS_LOCK_MS }, dirty: false });
  const told = lockedBy(mine, "two", T0 + 1);
  expect(told).toEqual({ ...mine, dirty: true });
  expect(lockedBy(told, "two", T0 + 2)).toBe(told);
  expect(unlocked(told, "two")).toBe(told);
  expect(unlocked(told, "one")).toMatchObject({ lock: undefined, dirty: false });
  expect(lockedBy(told, "two", T0 + PASS_LOCK_MS)).toMatchObject({ lock: { holder: "two" }, dirty: false });
});

test("the longer of two pauses counts, and none is longer than the longest", () => {
  const paused = pausedFor(aPool(), { forMs: 5_000, why }, T0);
  expect([awayUntil(paused, T0 + 4_999), awayUntil(paused, T0 + 5_000)]).toEqual([T0 + 5_000, undefined]);
  expect(pausedFor(paused, { forMs: 4_000, why }, T0)).toBe(paused);
  const long = pausedFor(paused, { forMs: 2 * POOL_PAUSE_MAX_MS, why }, T0);
  expect(awayUntil(long, T0)).toBe(T0 + POOL_PAUSE_MAX_MS);
});

test("a worker that goes makes room for its own tenant, and for all where the whole pool was full", () => {
  const full = { forMs: 5_000, why, full: true } as const;
  const both = pausedFor(pausedFor(aPool(), { ...full, tenant: TENANT }, T0), { ...full, tenant: OTHER }, T0);
  const freed = withRoom(both, TENANT);
  expect([awayFrom(freed, TENANT, T0), awayFrom(freed, OTHER, T0)?.why]).toEqual([undefined, why]);
  expect(withRoom(withRoom(both, TENANT), OTHER).awayFor).toBeUndefined();
  const all = withRoom(pausedFor(aPool(), full, T0), TENANT);
  expect(awayUntil(all, T0)).toBeUndefined();
});

test("but not where the pool was away for another reason", () => {
  const away = pausedFor(aPool(), { forMs: 5_000, why, tenant: TENANT }, T0);
  expect(withRoom(away, TENANT)).toBe(away);
  expect(withRoom(away, THIRD)).toBe(away);
});

test("an ended pause of one tenant goes when another's is written", () => {
  const one = pausedFor(aPool(), { forMs: 5_000, why, tenant: TENANT }, T0);
  const two = pausedFor(one, { forMs: 5_000, why, tenant: OTHER }, T0 + 5_000);
  expect(Object.keys(two.awayFor ?? {})).toEqual([String(OTHER)]);
  const three = pausedFor(two, { forMs: 5_000, why, tenant: THIRD }, T0 + 5_001);
  expect(Object.keys(three.awayFor ?? {})).toEqual([String(OTHER), String(THIRD)]);
});

describe("an outage", () => {
  const AWAY = { forMs: 5_000, why: "the engine is away" };

  test("has lasted since the first of its pauses, and is told until the pool was asked again", () => {
    const first = pausedFor(aPool(), AWAY, T0);
    expect(outageOf(first, T0 + 4_999)).toEqual({ until: T0 + 5_000, since: T0 });
    expect(outageOf(first, T0 + 9_999)).toEqual({ until: T0 + 5_000, since: T0 });
    expect(awayUntil(first, T0 + 5_000)).toBeUndefined();
    expect(outageOf(first, T0 + 10_000)).toBeUndefined();
    const second = pausedFor(first, AWAY, T0 + 6_000);
    expect(outageOf(second, T0 + 6_000)).toEqual({ until: T0 + 11_000, since: T0 });
    // Nothing was heard of it for so long that it is another one.
    const later = T0 + 11_000 + SAME_OUTAGE_MS;
    expect(outageOf(pausedFor(second, AWAY, later), later)).toEqual({ until: later + 5_000, since: later });
    expect(outageOf(aPool(), T0)).toBeUndefined();
  });

  test("is none where there is only no room, or of records of before", () => {
    const full = pausedFor(aPool(), { ...AWAY, full: true }, T0);
    expect(outageOf(full, T0)).toEqual({ until: T0 + 5_000, since: undefined });
    expect(outageOf(full, T0 + 5_000)).toBeUndefined();
    const before = aPool({ unavailableUntil: T0 + 1_000 });
    expect(outageOf(before, T0)).toEqual({ until: T0 + 1_000, since: undefined });
    expect(pausedFor(before, AWAY, T0).unavailableSince).toBe(T0);
  });

  test("of a pool that cannot be counted is written anew when half of its pause is over", () => {
    const noted = uncountable(aPool(), "away", T0);
    expect(noted).toMatchObject({ unavailableUntil: T0 + POOL_RETRY_MS, unavailableWhy: "away" });
    expect(uncountable(noted, "away", T0 + POOL_RETRY_MS / 2 - 1)).toBe(noted);
    const renewed = uncountable(noted, "away", T0 + POOL_RETRY_MS / 2);
    expect(renewed).toMatchObject({ unavailableUntil: T0 + 1.5 * POOL_RETRY_MS, unavailableSince: T0 });
  });
});
