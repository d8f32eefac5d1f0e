// One writer per pool and process: who comes together is written together, and each hears of its own change.
import { expect, test } from "vitest";
import type { Pool } from "../../shared/domain/pool/pool.ts";
import type { PoolStore } from "../../shared/ports/store.ts";
import { updatePool } from "../../shared/usecases/update.ts";
import { aPool, POOL } from "../domain/builders.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";
import { seededRandom } from "../fakes/seeded-random.ts";

test("400 changes at once: at most 20 writes, each once, and each caller hears that it was made", async () => {
  const table = poolTable(aPool());
  const deps = table.process();
  const outcomes = await Promise.all(Array.from({ length: 400 }, () => updatePool(deps, POOL, oneMore)));
  expect(table.stored.total).toBe(408);
  expect(table.writes).toBeLessThanOrEqual(20);
  expect(outcomes.every((outcome) => outcome.type === "done" && outcome.changed)).toBe(true);
});

test("those that come while one is being written are written next, together", async () => {
  const table = poolTable(aPool());
  const deps = table.process();
  const first = updatePool(deps, POOL, oneMore);
  await table.writing();
  const later = Array.from({ length: 50 }, () => updatePool(deps, POOL, oneMore));
  await Promise.all([first, ...later]);
  expect(table.stored.total).toBe(59);
  expect(table.writes).toBe(2);
});

test("no write when nothing changes", async () => {
  const table = poolTable(aPool());
  expect(await updatePool(table.process(), POOL, (pool) => pool)).toMatchObject({
    type: "done",
    changed: false,
  });
  expect(table.writes).toBe(0);
});

test("each caller hears of its own step: one that throws fails alone, one that changes nothing is told so", async () => {
  const table = poolTable(aPool());
  const deps = table.process();
  const fault = new RangeError("not in this pool");
  const outcomes = await Promise.allSettled([
    updatePool(deps, POOL, oneMore),
    updatePool(deps, POOL, () => {
      throw fault;
    }),
    updatePool(deps, POOL, (pool) => pool),
  ]);
  expect(outcomes).toMatchObject([
    { value: { type: "done", changed: true } },
    { reason: fault },
    { value: { type: "done", changed: false } },
  ]);
  expect(table.stored.total).toBe(9);
});

test("a store that fails fails those who wait, and the next caller is served", async () => {
  const table = poolTable(aPool());
  const deps = table.process();
  table.fails = true;
  const outcomes = await Promise.allSettled([1, 2].map(() => updatePool(deps, POOL, oneMore)));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  table.fails = false;
  expect(await updatePool(deps, POOL, oneMore)).toMatchObject({ type: "done", changed: true });
});

test("a pool that nobody has made", async () => {
  const table = poolTable(undefined);
  expect(await updatePool(table.process(), POOL, oneMore)).toEqual({ type: "missing" });
});

test.each([2, 5, 12])("%i processes at once lose no change of each other", async (count) => {
  const table = poolTable(aPool());
  const processes = Array.from({ length: count }, () => table.process());
  const changes = processes.flatMap((deps) =>
    Array.from({ length: 20 }, () => updatePool(deps, POOL, oneMore)),
  );
  const outcomes = await Promise.all(changes);
  const made = outcomes.filter((outcome) => outcome.type === "done" && outcome.changed).length;
  expect(table.stored.total).toBe(8 + made);
  expect(made).toBeGreaterThanOrEqual(20);
});

test("others are first each time: it gives up after ten tries with pauses between, says so, and has changed nothing", async () => {
  const table = poolTable(aPool());
  table.overtakes = true;
  const deps = table.process();
  const outcomes = await Promise.all([1, 2, 3].map(() => updatePool(deps, POOL, oneMore)));
  expect(outcomes).toEqual([1, 2, 3].map(() => ({ type: "contended" })));
  expect(table.writes).toBe(10);
  expect(table.pauses).toHaveLength(9);
  expect(new Set(table.pauses).size).toBeGreaterThan(3);
  expect(Math.max(...table.pauses)).toBeLessThanOrEqual(500);
  expect(deps.log.of("pool-contended")).toMatchObject([{ pool: POOL, count: 3 }]);
});

test("what the caller has read is used, unless this process has written since", async () => {
  const table = poolTable(aPool());
  const deps = table.process();
  const seen = table.stored;
  await updatePool(deps, POOL, oneMore, seen);
  expect(table.reads).toBe(0);
  await updatePool(deps, POOL, oneMore, seen);
  expect([table.reads, table.writes]).toEqual([1, 2]);
});

function oneMore(pool: Pool): Pool {
  return { ...pool, total: pool.total + 1 };
}

/** One pool's item; each of its processes has a store of its own over it. */
function poolTable(pool: Pool | undefined) {
  let begun = Promise.withResolvers<void>();
  const table = {
    stored: pool as Pool,
    reads: 0,
    writes: 0,
    pauses: [] as number[],
    fails: false as boolean,
    /** Another process writes between each read and write. */
    overtakes: false as boolean,
    writing: () => begun.promise,
    process() {
      const pools: PoolStore = {
        get: async () => {
          table.reads++;
          if (table.fails) throw new Error("the store does not answer");
          return table.stored;
        },
        create: async () => false,
        async replace(next) {
          table.writes++;
          begun.resolve();
          begun = Promise.withResolvers();
          await Promise.resolve();
          if (table.overtakes) table.stored = { ...table.stored, version: table.stored.version + 1 };
          if (table.stored.version !== next.version - 1) return false;
          table.stored = next;
          return true;
        },
      };
      const pause = async (ms: number) => {
        table.pauses.push(ms);
      };
      return { stores: { pools }, random: seededRandom(3), pause, log: createCollectingLog() };
    },
  };
  return table;
}
