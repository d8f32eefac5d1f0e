// Who gets how much of a flooded pool, how long a large job waits there, and the second reading of the rule itself.
import { describe, expect, test } from "vitest";
import { AGING_MS } from "../../shared/domain/deadlines.ts";
import type { TenantId } from "../../shared/domain/ids.ts";
import { jobId, tenantId } from "../../shared/domain/ids.ts";
import { laneOrder } from "../../shared/domain/pool/lane.ts";
import { reserve } from "../../shared/domain/pool/pool.ts";
import { aPool, aWorkerId, T0 } from "../domain/builders.ts";
import type { SeenLane } from "./eyes/fair-choice.ts";
import { findUnfair } from "./eyes/fair-choice.ts";
import { playFairDay, playLargeJobs } from "./fairness.ts";

test.each([
  { cards: 8, sizes: [1] },
  { cards: 10, sizes: [1, 1, 2] },
])(
  "a day's shares of $cards cards are those of the weights, with jobs of $sizes",
  async (day) => {
    const { deviation, dry, jobs, violations } = await playFairDay({ ...day, seed: 1 });
    expect(violations).toEqual([]);
    expect(dry).toBe(0);
    expect(jobs).toBeGreaterThan(500);
    expect(deviation).toBeLessThanOrEqual(0.02);
  },
  30_000,
);

test("an 8-card job among endless small ones waits for the aging time and the longest job at most", async () => {
  const { waits, starved, violations } = await playLargeJobs({ cards: 8, seed: 1 });
  expect(violations).toEqual([]);
  expect(starved).toBe(0);
  expect(waits.length).toBeGreaterThan(4);
  expect(Math.min(...waits.map(({ waitedMs }) => waitedMs))).toBeGreaterThan(AGING_MS);
  for (const { waitedMs, limitMs } of waits) expect(waitedMs).toBeLessThanOrEqual(limitMs);
}, 30_000);

describe("a decision", () => {
  const [A, B] = [tenantId("a"), tenantId("b")];
  const young = T0 + AGING_MS - 1;
  const old = T0 + AGING_MS;
  const held = (tenant: TenantId, cards: number) =>
    reserve(aPool({ total: 8 }), aWorkerId("w"), { tenant, cards, slots: [] }, T0);

  test("for the smaller share is fair", () => {
    const lanes = [lane(A, [1]), lane(B, [1])];
    expect(
      findUnfair({ pool: held(B, 3), now: young, lanes, chosen: [jobId("a0"), jobId("b0")] }),
    ).toBeUndefined();
  });

  test("for the larger share is not, while a head of the smaller one fits", () => {
    const lanes = [lane(A, [4]), lane(B, [1])];
    const chosen = [jobId("b0")];
    expect(findUnfair({ pool: held(B, 3), now: young, lanes, chosen })).toMatch(
      "b0 (share 3) came before a0",
    );
    expect(findUnfair({ pool: held(B, 5), now: young, lanes, chosen })).toBeUndefined();
  });

  test("counts a share by its weight", () => {
    const lanes = [lane(A, [1]), lane(B, [1], { weight: 4 })];
    const pool = reserve(held(B, 3), aWorkerId("v"), { tenant: A, cards: 1, slots: [] }, T0);
    expect(findUnfair({ pool, now: young, lanes, chosen: [jobId("b0")] })).toBeUndefined();
    expect(findUnfair({ pool, now: young, lanes, chosen: [jobId("a0")] })).toMatch("came before b0");
  });

  test("gives nobody what is set aside for a head that has waited too long", () => {
    const lanes = [lane(A, [8]), lane(B, [1])];
    const chosen = [jobId("b0")];
    expect(findUnfair({ pool: held(B, 5), now: young, lanes, chosen })).toBeUndefined();
    expect(findUnfair({ pool: held(B, 5), now: old, lanes, chosen })).toMatch("set aside for a0");
  });

  test("keeps the order of a lane, but for what is beyond its quota", () => {
    const chosen = [jobId("a1")];
    const pool = aPool({ total: 8 });
    expect(findUnfair({ pool, now: young, lanes: [lane(A, [4, 1])], chosen })).toMatch(
      "a1 was chosen before a0",
    );
    expect(
      findUnfair({ pool, now: young, lanes: [lane(A, [4, 1], { maxCards: 3 })], chosen }),
    ).toBeUndefined();
  });

  test("need not wait for a lane whose runners cannot register", () => {
    const lanes = [lane(A, [1], { isHeldBack: true }), lane(B, [1])];
    expect(findUnfair({ pool: held(B, 3), now: young, lanes, chosen: [jobId("b0")] })).toBeUndefined();
  });
});

/** Heads of these sizes that wait since T0: `a0`, `a1`, … */
function lane(tenant: TenantId, sizes: readonly number[], more: Partial<SeenLane> = {}): SeenLane {
  const heads = sizes.map((cards, at) => {
    const id = jobId(`${tenant}${at}`);
    return { id, cards, order: laneOrder({ id, queuedAt: T0, priority: 0 }) };
  });
  const none = Number.POSITIVE_INFINITY;
  return { tenant, weight: 1, maxCards: none, maxWorkers: none, heads, isHeldBack: false, ...more };
}
