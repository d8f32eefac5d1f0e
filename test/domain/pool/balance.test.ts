// Who is made up for: only tenants that wait for the same cards, by what they held meanwhile.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BALANCE_CARD_MS, BALANCE_MEMORY_MS } from "../../../shared/domain/deadlines.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { Balance } from "../../../shared/domain/pool/balance.ts";
import { correctionOf, settled, withRivals } from "../../../shared/domain/pool/balance.ts";
import { T0 } from "../builders.ts";

const MINUTE_MS = 60_000;
const [A, B, C] = [tenantId("a"), tenantId("b"), tenantId("c")];
const EVEN: Balance = { at: T0, rivals: { [A]: 1, [B]: 1 }, beyond: {} };

test("who holds more than its part is ahead by as much as the other is short of", () => {
  const { beyond, at } = settled(EVEN, loads({ a: 5, b: 3 }), T0 + MINUTE_MS);
  expect(at).toBe(T0 + MINUTE_MS);
  expect(beyond[A]! / MINUTE_MS).toBeCloseTo(1, 2);
  expect(beyond[B]! / MINUTE_MS).toBeCloseTo(-1, 2);
});

test("who holds nothing while another holds all is short of its whole part", () => {
  const { beyond } = settled(EVEN, loads({ a: 8 }), T0 + MINUTE_MS);
  expect(beyond[A]! / MINUTE_MS).toBeCloseTo(4, 1);
  expect(beyond[B]! / MINUTE_MS).toBeCloseTo(-4, 1);
});

test("every moment counts, and the little that a rival is beyond its part is not lost", () => {
  const little = { ...EVEN, beyond: { [A]: 500, [B]: -500 } };
  const next = settled(little, loads({ a: 4, b: 4 }), T0 + 1);
  expect(next.at).toBe(T0 + 1);
  expect([next.beyond[A], next.beyond[B]].map((ms) => Math.round(ms ?? 0))).toEqual([500, -500]);
});

test("a part is by weight", () => {
  const weighted = { ...EVEN, rivals: { [A]: 1, [B]: 2 } };
  const { beyond } = settled(weighted, loads({ a: 2, b: 4 }), T0 + MINUTE_MS);
  expect([beyond[A], beyond[B]]).toEqual([0, 0]);
});

test("a tenant that waits for nothing neither saves up nor owes", () => {
  const { beyond } = settled(EVEN, loads({ a: 4, b: 4, c: 8 }), T0 + MINUTE_MS);
  expect(beyond[C]).toBeUndefined();
});

test("what is long ago is forgotten", () => {
  const ahead = { ...EVEN, rivals: {}, beyond: { [A]: 4 * BALANCE_CARD_MS, [B]: -900 } };
  const later = settled(ahead, loads({}), T0 + BALANCE_MEMORY_MS);
  expect(later.beyond[A]).toBeCloseTo((4 * BALANCE_CARD_MS) / Math.E, 0);
  expect(later.beyond[B]).toBeUndefined();
  expect(settled(ahead, loads({}), T0 + 20 * BALANCE_MEMORY_MS).beyond).toEqual({});
});

test("a clock that is over a minute behind is believed: whoever wrote last was ahead of all others", () => {
  expect(settled(EVEN, loads({ a: 8 }), T0 - 60_000)).toBe(EVEN);
  expect(settled(EVEN, loads({ a: 8 }), T0 - 60_001)).toEqual({ ...EVEN, at: T0 - 60_001 });
});

test("a clock that went back changes nothing", () => {
  expect(settled(EVEN, loads({ a: 8 }), T0 - 1)).toBe(EVEN);
});

describe("what is made up for", () => {
  const beyond = { [A]: BALANCE_CARD_MS / 2, [B]: -9 * BALANCE_CARD_MS };

  test("is a card at most, and nothing for a stranger", () => {
    const balance = { ...EVEN, beyond };
    expect([A, B, C].map((tenant) => correctionOf(balance, tenant))).toEqual([0.5, -1, 0]);
    expect(correctionOf({ ...balance, beyond: { [C]: 9 * BALANCE_CARD_MS } }, C)).toBe(1);
    expect(correctionOf(undefined, A)).toBe(0);
  });
});

describe("the rivals", () => {
  test("are two at least, or nobody shares", () => {
    expect(withRivals(undefined, { [A]: 1 }, T0)).toBeUndefined();
    expect(withRivals(undefined, { [A]: 1, [B]: 3 }, T0)).toEqual({
      at: T0,
      rivals: { [A]: 1, [B]: 3 },
      beyond: {},
    });
  });

  test("go, and what one had beyond its part is kept until it is forgotten", () => {
    const before = { ...EVEN, beyond: { [A]: 60_000, [B]: -60_000 } };
    expect(withRivals(before, { [B]: 1 }, T0)).toEqual({ ...before, rivals: {} });
    expect(withRivals(EVEN, {}, T0)).toBeUndefined();
  });
});

describe("properties", () => {
  const held = fc.record({ a: fc.nat(8), b: fc.nat(8), c: fc.nat(8) });
  const weights = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 9 }));
  const spans = fc.array(fc.record({ held, ms: fc.nat(4 * 3_600_000) }), { maxLength: 8 });

  test("what rivals have beyond their parts adds up to nothing", () => {
    fc.assert(
      fc.property(weights, spans, (rivals, all) => {
        const sum = Object.values(played(rivals, all).beyond).reduce((total, ms) => total + ms, 0);
        expect(Math.abs(sum)).toBeLessThan(1);
      }),
    );
  });

  test("it does not matter how often it is looked at", () => {
    fc.assert(
      fc.property(weights, spans, (rivals, all) => {
        const halves = all.flatMap(({ held, ms }) => [
          { held, ms: ms / 2 },
          { held, ms: ms / 2 },
        ]);
        const [once, twice] = [played(rivals, all).beyond, played(rivals, halves).beyond];
        for (const tenant of [A, B, C]) {
          expect(Math.abs((once[tenant] ?? 0) - (twice[tenant] ?? 0))).toBeLessThan(1);
        }
      }),
    );
  });
});

type Span = { readonly held: { readonly [tenant: string]: number }; readonly ms: number };

function played(rivals: Balance["rivals"], spans: readonly Span[]): Balance {
  return spans.reduce<Balance>((balance, { held, ms }) => settled(balance, loads(held), balance.at + ms), {
    at: T0,
    rivals,
    beyond: {},
  });
}

function loads(held: { readonly [tenant: string]: number }): Map<string, number> {
  return new Map(Object.entries(held));
}
