// When a job starts by the pace of late: what its tenant's part of the cards brings it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import { reserve } from "../../../shared/domain/pool/pool.ts";
import type { Line } from "../../../shared/domain/pool/wait-estimate.ts";
import { estimateWait, paced } from "../../../shared/domain/pool/wait-estimate.ts";
import { aPool, aWorkerId, T0, TENANT } from "../builders.ts";

const HOUR_MS = 3_600_000;
const OTHER = tenantId("other");
const ALONE: Line = { tenant: TENANT, load: 1, weight: 1, most: Number.POSITIVE_INFINITY };

/** Of 8 cards, all held, each for an hour of late. */
function fullPool(more: Partial<Pool> = {}): Pool {
  const pool = reserve(aPool({ total: 8 }), aWorkerId("w"), { tenant: OTHER, cards: 8, slots: [] }, T0);
  return { ...pool, heldMs: HOUR_MS, ...more };
}

describe("an estimate", () => {
  test("is of how long the cards before it and its own take to come free", () => {
    expect(estimateWait(fullPool(), ALONE)).toBe(HOUR_MS / 8);
    expect(estimateWait(fullPool(), { ...ALONE, load: 16 })).toBe(2 * HOUR_MS);
  });

  test("counts the tenant's part only, where others wait too", () => {
    const rivals = { [TENANT]: 1, [OTHER]: 3 };
    const balance = { at: T0, rivals, beyond: {} };
    expect(estimateWait(fullPool({ balance }), { ...ALONE, load: 2 })).toBe(HOUR_MS);
  });

  test("knows the tenant's quota and what it holds of it", () => {
    expect(estimateWait(fullPool(), { ...ALONE, load: 2, most: 2 })).toBe(HOUR_MS);
    const own = reserve(aPool({ total: 8 }), aWorkerId("w"), { tenant: TENANT, cards: 2, slots: [] }, T0);
    expect(estimateWait({ ...own, heldMs: HOUR_MS }, { ...ALONE, most: 2 })).toBe(HOUR_MS / 2);
  });

  test("takes off what is free", () => {
    const pool = { ...aPool({ total: 8 }), heldMs: HOUR_MS };
    expect(estimateWait(pool, { ...ALONE, load: 8 })).toBe(0);
    expect(estimateWait(pool, { ...ALONE, load: 12 })).toBe(HOUR_MS / 2);
  });

  test("of a pool without cards is by its workers", () => {
    const pool = reserve(aPool({ total: 0 }), aWorkerId("w"), { tenant: TENANT, cards: 0, slots: [] }, T0);
    expect(estimateWait({ ...pool, heldMs: HOUR_MS }, { ...ALONE, load: 2, most: 1 })).toBe(2 * HOUR_MS);
    expect(estimateWait({ ...pool, heldMs: HOUR_MS }, ALONE)).toBeUndefined();
  });

  test("is not made before a worker has ended, nor where nothing can be had", () => {
    expect(estimateWait(aPool(), ALONE)).toBeUndefined();
    expect(estimateWait(fullPool(), { ...ALONE, most: 0 })).toBeUndefined();
  });
});

describe("the pace", () => {
  const one = { cards: 1, workers: 1 };

  test("is that of the first worker until others have ended", () => {
    expect(paced(aPool(), one, HOUR_MS).heldMs).toBe(HOUR_MS);
  });

  test("follows what is usual now, faster the more cards a worker held", () => {
    const slow = paced(fullPool(), one, 0).heldMs ?? 0;
    const fast = paced(fullPool(), { cards: 8, workers: 1 }, 0).heldMs ?? 0;
    expect(fast).toBeLessThan(slow);
    expect(slow).toBeLessThan(HOUR_MS);
  });

  test("stays between the shortest and the longest", () => {
    const held = fc.array(fc.record({ cards: fc.nat(8), ms: fc.nat(HOUR_MS) }), { minLength: 1 });
    fc.assert(
      fc.property(held, (all) => {
        const { heldMs } = all.reduce(
          (pool, { cards, ms }) => paced(pool, { cards, workers: 1 }, ms),
          aPool(),
        );
        const lengths = all.map(({ ms }) => ms);
        expect(heldMs).toBeGreaterThanOrEqual(Math.min(...lengths) - 1);
        expect(heldMs).toBeLessThanOrEqual(Math.max(...lengths) + 1);
      }),
    );
  });
});
