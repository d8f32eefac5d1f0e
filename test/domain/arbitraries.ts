// Arbitrary labels, words, reservations and lanes for the properties of the pure core.
import fc from "fast-check";
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import { jobId, tenantId } from "../../shared/domain/ids.ts";
import { laneOrder } from "../../shared/domain/pool/lane.ts";
import type { Pool, Reservation } from "../../shared/domain/pool/pool.ts";
import { freeSlots, reserve } from "../../shared/domain/pool/pool.ts";
import type { Head, LaneView } from "../../shared/domain/pool/scheduling.ts";
import { aLaneView, aPool, aWord, aWorkerId, POOL, T0 } from "./builders.ts";

/** Labels as people write them: a few words that collide often, in any case. */
export function label(): fc.Arbitrary<string> {
  const words = ["self-hosted", "linux", "arm64", "npu", "a2", "linux-aarch64-a2-1", "linux-aarch64-a2-4"];
  return fc.oneof(
    fc.constantFrom(...words).chain(anyCase),
    fc.string({ unit: fc.constantFrom("a", "b", "2", "-"), minLength: 1, maxLength: 8 }),
  );
}

export function labels(): fc.Arbitrary<string[]> {
  return fc.array(label(), { maxLength: 6 });
}

/** Twice the same labels: the second time in another order, in another case and with some of them repeated. */
export function sameLabels(of: fc.Arbitrary<string[]> = labels()): fc.Arbitrary<[string[], string[]]> {
  return of.chain((one) =>
    fc
      .subarray(one)
      .chain((again) => inAnyOrder([...one, ...again]))
      .chain((other) => fc.tuple(fc.constant(one), fc.tuple(...other.map((text) => anyCase(text))))),
  );
}

/**
 * All that GitHub may say of one workflow job, in the order in which it happened: a gate or none, up to two runners
 * (it gives the job away again after 60 s when the first does not pick it up), an end or none yet.
 */
export function history(): fc.Arbitrary<WorkflowJobWord[]> {
  const conclusion = fc.constantFrom("success", "failure", "cancelled", "skipped", "timed_out", "neutral");
  return fc
    .record({
      gated: fc.boolean(),
      queued: fc.boolean(),
      runners: fc.integer({ min: 0, max: 2 }),
      end: fc.option(conclusion),
    })
    .filter(({ gated, queued, runners, end }) => gated || queued || runners > 0 || end !== null)
    .map(({ gated, queued, runners, end }) => {
      const assigned = Array.from({ length: runners }, (_, index) => ({
        runner: { id: 900 + index, name: aWorkerId(`npud-t3st00-runner${index}`) },
        startedAt: T0 + 60_000 * (index + 1),
      }));
      const last = assigned.at(-1);
      return [
        ...(gated ? [aWord({ status: "waiting" })] : []),
        ...(queued ? [aWord({ status: "queued", startedAt: T0 })] : []),
        ...assigned.map((one) => aWord({ status: "in_progress", ...one })),
        ...(end === null ? [] : [aWord({ status: "completed", conclusion: end, ...last })]),
      ];
    });
}

/** Every word at least once, some repeated, in any order. */
export function deliveredAnyhow(words: readonly WorkflowJobWord[]): fc.Arbitrary<WorkflowJobWord[]> {
  return fc
    .array(fc.constantFrom(...words), { maxLength: 4 })
    .chain((again) => inAnyOrder([...words, ...again]));
}

export function inAnyOrder<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length });
}

const TENANTS = ["11", "22", "33"].map(tenantId);

/** A pool in use; with `named` every reservation holds the indices of its cards. */
export function poolInUse({ named }: { named: boolean }): fc.Arbitrary<Pool> {
  const held = fc.record({ tenant: fc.constantFrom(...TENANTS), cards: fc.integer({ min: 0, max: 4 }) });
  return fc.tuple(fc.integer({ min: 0, max: 16 }), fc.array(held, { maxLength: 6 })).map(([total, wanted]) =>
    wanted.reduce((pool, { tenant, cards }, index) => {
      const slots = named ? freeSlots(pool).slice(0, cards) : [];
      const used = Object.values(pool.reservations).reduce((sum, entry) => sum + entry.cards, 0);
      if (used + cards > total) return pool;
      return reserve(pool, aWorkerId(`held-${index}`), { tenant, cards, slots }, T0);
    }, aPool({ total })),
  );
}

export function reservation(): fc.Arbitrary<Reservation> {
  return fc.record({
    tenant: fc.constantFrom(...TENANTS),
    cards: fc.integer({ min: 0, max: 8 }),
    slots: fc.uniqueArray(fc.nat(15), { maxLength: 4 }),
  });
}

/** Up to one lane per tenant, its heads in the lane's order. */
export function laneViews(): fc.Arbitrary<LaneView[]> {
  return fc
    .tuple(...TENANTS.map((tenant, index) => fc.option(laneView(tenant, index))))
    .map((views) => views.filter((view) => view !== null));
}

function laneView(tenant: LaneView["lane"]["tenant"], index: number): fc.Arbitrary<LaneView> {
  const quota = fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined });
  return fc
    .record({
      weight: fc.constantFrom(0.5, 1, 2, 3),
      maxCards: quota,
      maxWorkers: quota,
      heads: fc.array(head(index), { maxLength: 6 }).map(inOrder),
    })
    .map((view) => aLaneView({ ...view, lane: { pool: POOL, tenant, login: `owner-${tenant}` } }));
}

function head(lane: number): fc.Arbitrary<Head> {
  return fc
    .record({
      cards: fc.constantFrom(0, 1, 1, 2, 4, 8),
      priority: fc.constantFrom(0, 0, 500),
      queuedAt: fc.integer({ min: T0, max: T0 + 20 }),
      number: fc.nat(9_999),
    })
    .map(({ cards, priority, queuedAt, number }) => {
      const id = jobId(`gh-${lane}${String(number).padStart(4, "0")}`);
      return { id, cards, order: laneOrder({ priority, queuedAt, id }) };
    });
}

/** Sorted, and each job once. */
function inOrder(heads: readonly Head[]): Head[] {
  const unique = [...new Map(heads.map((one) => [one.id, one])).values()];
  return unique.sort((a, b) => (a.order < b.order ? -1 : 1));
}

function anyCase(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(text, text.toUpperCase());
}
