// The ledger of a pool: sums are derived, reservations are given back as they were taken.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import {
  freeCards,
  freeSlots,
  newPool,
  release,
  reserve,
  sharedBy,
  usedBy,
  usedCards,
} from "../../../shared/domain/pool/pool.ts";
import { poolInUse, reservation } from "../arbitraries.ts";
import { aPool, aWorkerId, POOL, T0, TENANT } from "../builders.ts";

const [W1, W2] = [aWorkerId("w1"), aWorkerId("w2")];

test("a new pool is all free, and nobody has written it yet", () => {
  const pool = newPool(POOL, 8);
  expect(pool).toEqual(aPool({ version: 0 }));
  expect([usedCards(pool), freeCards(pool)]).toEqual([0, 8]);
});

describe("slots", () => {
  const held = reserve(aPool({ total: 4 }), W1, { tenant: TENANT, cards: 2, slots: [0, 2] }, T0);

  test("are those that nobody holds, the lowest first", () => expect(freeSlots(held)).toEqual([1, 3]));

  test("of a pool that shrank lie within it", () => {
    const shrunk = { ...held, total: 2 };
    expect(freeSlots(shrunk)).toEqual([1]);
    expect(freeCards(shrunk)).toBe(0);
    expect(freeCards({ ...held, total: 1 })).toBe(0);
  });
});

test("a tenant's use is its own cards and workers, card-less ones too", () => {
  const other = tenantId(9);
  let pool = reserve(aPool(), W1, { tenant: TENANT, cards: 3, slots: [] }, T0);
  pool = reserve(pool, W2, { tenant: TENANT, cards: 0, slots: [] }, T0);
  pool = reserve(pool, aWorkerId("w3"), { tenant: other, cards: 1, slots: [] }, T0);
  expect(usedBy(pool, TENANT)).toEqual({ cards: 3, workers: 2 });
  expect(usedBy(pool, other)).toEqual({ cards: 1, workers: 1 });
  expect(usedBy(pool, tenantId(1))).toEqual({ cards: 0, workers: 0 });
});

const ONE = { tenant: TENANT, cards: 1, slots: [] };

describe("a shared pool", () => {
  test("a change of what is held settles who had more than its part until then", () => {
    const rivals = { [TENANT]: 1, [tenantId(7)]: 1 };
    const shared = sharedBy(reserve(aPool(), W1, { tenant: TENANT, cards: 2, slots: [] }, T0), rivals, T0);
    for (const next of [release(shared, W1, T0 + 60_000), reserve(shared, W2, ONE, T0 + 60_000)]) {
      expect(next.balance?.at).toBe(T0 + 60_000);
      expect(next.balance?.beyond[TENANT]).toBeCloseTo(60_000, -2);
    }
  });
});

describe("properties", () => {
  const someone = fc.constantFrom(...["w1", "w2", "w3"].map(aWorkerId));
  const move = fc.record({ id: someone, held: fc.option(reservation()) });

  test("release undoes reserve; either twice is either once", () => {
    fc.assert(
      fc.property(poolInUse({ named: true }), someone, reservation(), (pool, id, held) => {
        const reserved = reserve(pool, id, held, T0);
        expect(release(reserved, id, T0)).toEqual(pool);
        expect(reserve(reserved, id, held, T0)).toEqual(reserved);
        expect(release(release(reserved, id, T0), id, T0)).toEqual(release(reserved, id, T0));
        expect(reserved.reservations[id]).toEqual(held);
      }),
    );
  });

  test("after any moves the sums are those of what is held", () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 12 }), (moves) => {
        let pool = aPool({ total: 16 });
        const model = new Map<string, number>();
        for (const { id, held } of moves) {
          pool = held === null ? release(pool, id, T0) : reserve(pool, id, held, T0);
          if (held === null) model.delete(id);
          else model.set(id, held.cards);
        }
        const used = [...model.values()].reduce((sum, cards) => sum + cards, 0);
        expect(usedCards(pool)).toBe(used);
        expect(freeCards(pool)).toBe(Math.max(0, 16 - used));
        const tenants = [...new Set(Object.values(pool.reservations).map((entry) => entry.tenant))];
        const each = tenants.map((tenant) => usedBy(pool, tenant));
        expect(each.reduce((sum, use) => sum + use.cards, 0)).toBe(used);
        expect(each.reduce((sum, use) => sum + use.workers, 0)).toBe(model.size);
      }),
    );
  });

  test("free slots are free, distinct, within the pool, and exist whenever the sums say so", () => {
    fc.assert(
      fc.property(poolInUse({ named: true }), (pool) => {
        const slots = freeSlots(pool);
        expect(slots).toHaveLength(freeCards(pool));
        const taken = Object.values(pool.reservations).flatMap((entry) => entry.slots);
        const all = [...taken, ...slots];
        expect(new Set(all).size).toBe(all.length);
        expect(all.every((slot) => slot < pool.total)).toBe(true);
      }),
    );
  });
});
