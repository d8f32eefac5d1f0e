// The order within a lane sorts as text.
import fc from "fast-check";
import { expect, test } from "vitest";
import { jobId, poolName, tenantId } from "../../../shared/domain/ids.ts";
import { laneKey, laneOrder, waitingSince, waitOrder } from "../../../shared/domain/pool/lane.ts";
import { T0 } from "../builders.ts";

test("a lane is one tenant in one pool", () => {
  expect(laneKey({ pool: poolName("a2"), tenant: tenantId(7) })).toBe("a2#7");
});

test("higher priority first, then older, then by id", () => {
  const order = (priority: number, queuedAt: number, id: string) =>
    laneOrder({ priority, queuedAt, id: jobId(id) });
  const sorted = [
    order(1_000, T0 + 9, "gh-9"),
    order(10, T0 + 9, "gh-9"),
    order(9, T0 + 5, "gh-9"),
    order(0, T0, "gh-1"),
    order(0, T0, "gh-2"),
    order(0, T0 + 1, "gh-0"),
  ];
  const byText = (a: string, b: string) => (a < b ? -1 : 1);
  expect(sorted.toReversed().sort(byText)).toEqual(sorted);
});

test("the order keeps its form: what is stored sorts with what is written by a later release", () => {
  const order = laneOrder({ priority: 10, queuedAt: T0, id: jobId("gh-1") });
  expect(order).toBe("0990#001767225600000#gh-1");
  expect(waitOrder(order)).toBe("001767225600000#gh-1");
  expect(waitingSince(order)).toBe(T0);
});

test("property: text order is (priority descending, time ascending, id ascending)", () => {
  const entry = fc.record({
    priority: fc.integer({ min: 0, max: 1_000 }),
    queuedAt: fc.oneof(fc.integer({ min: T0, max: T0 + 5 }), fc.integer({ min: 0, max: 9e14 })),
    id: fc.integer({ min: 1, max: 30 }).map((number) => jobId(`gh-${number}`)),
  });
  fc.assert(
    fc.property(entry, entry, (a, b) => {
      const difference =
        b.priority - a.priority || a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : Number(a.id > b.id));
      const [left, right] = [laneOrder(a), laneOrder(b)];
      expect(left < right ? -1 : Number(left > right)).toBe(Math.sign(difference));
    }),
  );
});

test("a priority outside 0 to 1,000 counts as the nearest one inside", () => {
  const at = (priority: number) => laneOrder({ priority, queuedAt: T0, id: jobId("gh-1") });
  expect(at(-5)).toBe(at(0));
  expect(at(5_000)).toBe(at(1_000));
});
