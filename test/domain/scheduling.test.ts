// Who starts next: the lane with the smallest share whose head fits.
import { describe, expect, test } from "vitest";
import { jobId, tenantId } from "../../shared/domain/ids.ts";
import { laneOrder } from "../../shared/domain/lane.ts";
import { reserve } from "../../shared/domain/pool.ts";
import type { Head, LaneView } from "../../shared/domain/scheduling.ts";
import { chooseStarts } from "../../shared/domain/scheduling.ts";
import { aLaneView, aPool, aWorkerId, POOL, T0, TENANT } from "./builders.ts";

const ANY = { namedCards: false, limit: 64 };

/** Heads of these sizes, one millisecond apart: `a0`, `a1`, … */
function lane(name: string, sizes: number[], more: Partial<LaneView> = {}): LaneView {
  const heads = sizes.map((cards, index) => head(`${name}${index}`, cards, T0 + index));
  return aLaneView({ lane: { pool: POOL, tenant: tenantId(name), login: name }, heads, ...more });
}

function head(id: string, cards: number, queuedAt = T0, priority = 0): Head {
  return { id: jobId(id), cards, order: laneOrder({ id: jobId(id), queuedAt, priority }) };
}

function chosen(pool = aPool(), lanes: LaneView[] = [], options = ANY): string[] {
  return chooseStarts(pool, lanes, options).map((start) => start.jobId);
}

describe("fair shares", () => {
  test("lanes of equal weight take turns", () => {
    expect(chosen(aPool({ total: 5 }), [lane("a", [1, 1, 1, 1]), lane("b", [1, 1])])).toEqual([
      "a0",
      "b0",
      "a1",
      "b1",
      "a2",
    ]);
  });

  test("a lane of twice the weight gets twice the cards", () => {
    const lanes = [lane("a", [1, 1, 1, 1, 1, 1]), lane("b", [1, 1, 1, 1, 1, 1], { weight: 2 })];
    const starts = chosen(aPool({ total: 6 }), lanes);
    expect(starts.filter((id) => id.startsWith("b"))).toHaveLength(4);
  });

  test("what a tenant already holds counts", () => {
    const pool = reserve(aPool({ total: 4 }), aWorkerId("w"), { tenant: tenantId("a"), cards: 2, slots: [] });
    expect(chosen(pool, [lane("a", [1, 1]), lane("b", [1, 1])])).toEqual(["b0", "b1"]);
  });

  test("a card-less worker counts as one card", () => {
    const starts = chosen(aPool({ total: 0 }), [lane("a", [0, 0, 0]), lane("b", [0, 0, 0])], {
      ...ANY,
      limit: 4,
    });
    expect(starts).toEqual(["a0", "b0", "a1", "b1"]);
  });

  test("ties go to the longer waiting head, whichever lane comes first", () => {
    const older = lane("b", [], { heads: [head("old", 1, T0)] });
    const newer = lane("a", [], { heads: [head("new", 1, T0 + 1)] });
    expect(chosen(aPool(), [newer, older])).toEqual(["old", "new"]);
    expect(chosen(aPool(), [older, newer])).toEqual(["old", "new"]);
  });

  test("a priority counts within its lane only", () => {
    const pushy = lane("a", [], { heads: [head("urgent", 1, T0 + 1, 1_000)] });
    const patient = lane("b", [], { heads: [head("old", 1, T0)] });
    expect(chosen(aPool(), [pushy, patient])).toEqual(["old", "urgent"]);
  });
});

describe("what fits", () => {
  test("a job waits for its cards and is not overtaken by its own tenant, but by others", () => {
    expect(chosen(aPool({ total: 4 }), [lane("a", [1, 4, 1]), lane("b", [2])])).toEqual(["a0", "b0"]);
  });

  test("a job larger than the pool does not block its lane", () => {
    expect(chosen(aPool({ total: 4 }), [lane("a", [8, 2])])).toEqual(["a1"]);
  });

  test("nothing starts in a full or shrunk pool, or without jobs", () => {
    const pool = reserve(aPool({ total: 2 }), aWorkerId("w"), { tenant: TENANT, cards: 3, slots: [] });
    expect(chosen(pool, [lane("a", [1])])).toEqual([]);
    expect(chosen(aPool(), [lane("a", [])])).toEqual([]);
    expect(chosen(aPool(), [])).toEqual([]);
  });

  test("a quota of cards or workers is kept, counting what is held", () => {
    const pool = reserve(aPool(), aWorkerId("w"), { tenant: tenantId("a"), cards: 1, slots: [] });
    expect(chosen(pool, [lane("a", [1, 1, 1], { maxCards: 3 })])).toEqual(["a0", "a1"]);
    expect(chosen(pool, [lane("a", [1, 1, 1], { maxWorkers: 2 })])).toEqual(["a0"]);
    expect(chosen(pool, [lane("a", [1], { maxCards: 0 })])).toEqual([]);
  });

  test("no more than the limit", () => {
    expect(chosen(aPool(), [lane("a", [1, 1, 1])], { ...ANY, limit: 2 })).toEqual(["a0", "a1"]);
    expect(chosen(aPool(), [lane("a", [1])], { ...ANY, limit: 0 })).toEqual([]);
  });
});

describe("named cards", () => {
  const named = { namedCards: true, limit: 64 };

  test("each start gets its own, the lowest free ones", () => {
    const pool = reserve(aPool({ total: 6 }), aWorkerId("w"), { tenant: TENANT, cards: 2, slots: [1, 2] });
    const starts = chooseStarts(pool, [lane("a", [1, 2])], named);
    expect(starts).toEqual([
      { jobId: "a0", tenant: "a", cards: 1, slots: [0] },
      { jobId: "a1", tenant: "a", cards: 2, slots: [3, 4] },
    ]);
  });

  test("are not named where the pool does not need it", () => {
    expect(chooseStarts(aPool(), [lane("a", [2])], ANY)).toMatchObject([{ slots: [] }]);
  });

  test("a job starts only on cards that can be named, whatever the sums say", () => {
    const pool = reserve(aPool({ total: 2 }), aWorkerId("w"), { tenant: TENANT, cards: 0, slots: [0, 1] });
    expect(chooseStarts(pool, [lane("a", [1])], named)).toEqual([]);
  });
});

test("the views are left as they were", () => {
  const lanes = [lane("a", [1, 1])];
  const before = structuredClone(lanes);
  chosen(aPool(), lanes);
  expect(lanes).toEqual(before);
});
