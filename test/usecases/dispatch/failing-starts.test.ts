// Many starts at once, of a pool that is slow, away, or well again: a few are under way, and each costs what one costs.
import { expect, test } from "vitest";
import type { PoolDriver, StartOutcome } from "../../../shared/ports/pool-driver.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import { STARTS_AT_ONCE } from "../../../shared/usecases/dispatch/start-slots.ts";
import { releaseWorker } from "../../../shared/usecases/ending/release-worker.ts";
import { POOL, TENANT } from "../../domain/builders.ts";
import { poolOf } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const AWAY: StartOutcome = { type: "unavailable", message: "no answer within 10 s", retryAfterMs: undefined };

test("400 workers released at once: at most 20 writes of their pool, each is told of once", async () => {
  const counts = { poolWrites: 0 };
  const world = createWorld({ cards: 400, wrapStores: countingPoolWrites(counts), stream: "side-by-side" });
  for (let n = 0; n < 400; n++) world.github.queue();
  await world.deliver();
  expect(world.pool.running()).toHaveLength(400);
  const workers = await world.stores.workers.live(POOL);
  const lost = workers.map((worker) => ({ ...worker, version: worker.version + 1, state: "lost" as const }));
  for (const worker of lost) await world.deps.stores.workers.replace(worker);
  counts.poolWrites = 0;
  // The change of its end and the reconciler meet on each.
  const both = lost.flatMap((worker) => [
    releaseWorker(world.deps, worker),
    releaseWorker(world.deps, worker),
  ]);
  expect((await Promise.all(both)).every(Boolean)).toBe(true);
  expect((await poolOf(world))?.reservations).toEqual({});
  expect(counts.poolWrites).toBeLessThanOrEqual(20);
  expect(world.log.of("worker-released")).toHaveLength(400);
});

test("a pool that is slow has no more starts under way than its limit; as they end the others follow", async () => {
  const world = await waiting(200, { cards: 300 });
  const slow = slowDriver(world);
  const passes = Array.from({ length: 8 }, () => dispatchPool(slow.deps, POOL));
  await slow.settled();
  expect(slow.waiting()).toBe(STARTS_AT_ONCE);
  while (slow.waiting() > 0) {
    expect(slow.waiting()).toBeLessThanOrEqual(STARTS_AT_ONCE);
    slow.answerOne();
    await slow.settled();
  }
  const started = (await Promise.all(passes)).length;
  expect(started).toBe(8);
  expect(slow.asked()).toBe(200);
});

test("a pool of its own limit", async () => {
  const world = await waiting(5, { cards: 8, startsAtOnce: 2 });
  const slow = slowDriver(world);
  const pass = dispatchPool(slow.deps, POOL);
  await slow.settled();
  expect(slow.waiting()).toBe(2);
  while (slow.waiting() > 0) {
    slow.answerOne();
    await slow.settled();
  }
  await pass;
  expect(slow.asked()).toBe(5);
});

test("a pool that was away is tried by one start; when that is answered all others follow in the same pass", async () => {
  const world = await waiting(40, { cards: 100 });
  const slow = slowDriver(world);
  const first = dispatchPool(slow.deps, POOL);
  await slow.settled();
  expect(slow.waiting()).toBe(40);
  slow.answer = AWAY;
  while (slow.waiting() > 0) slow.answerOne();
  await first;
  for (const [pause, asked] of [41, 42, 43].entries()) {
    world.clock.advance(10_000 * (pause + 1));
    const pass = dispatchPool(slow.deps, POOL);
    await slow.settled();
    expect([slow.waiting(), slow.asked()]).toEqual([1, asked]);
    if (pause === 2) slow.answer = { type: "started" };
    while (slow.waiting() > 0) {
      slow.answerOne();
      await slow.settled();
    }
    await pass;
  }
  // 42 starts failed, whose cards are given back by their release; each job has a worker now.
  expect(Object.keys((await poolOf(world))?.reservations ?? {})).toHaveLength(82);
});

/** So many jobs wait, their lane is known, and nobody has looked at them. */
async function waiting(jobs: number, options: WorldOptions): Promise<World> {
  const world = createWorld({ ...options, stream: "lost" });
  for (let n = 0; n < jobs; n++) world.github.queue();
  await world.deliver();
  await world.stores.lanes.register({ pool: POOL, tenant: TENANT, login: "Acme" });
  return world;
}

/** Its starts wait until they are answered one by one. */
function slowDriver(world: World) {
  const waiting: (() => void)[] = [];
  let asked = 0;
  const settings = world.deps.pools.get(POOL);
  if (settings === undefined) throw new Error("the world has no pool");
  const driver: PoolDriver = {
    ...settings.driver,
    async start(spec) {
      asked++;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return slow.answer.type === "started" ? settings.driver.start(spec) : slow.answer;
    },
  };
  const slow = {
    answer: { type: "started" } as StartOutcome,
    deps: { ...world.deps, pools: new Map([[POOL, { ...settings, driver }]]) },
    waiting: () => waiting.length,
    asked: () => asked,
    answerOne: () => waiting.shift()?.(),
    /** Everything that an answer sets in motion has come to rest. */
    async settled() {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return slow;
}

function countingPoolWrites(counts: { poolWrites: number }) {
  return (stores: Stores): Stores => {
    const replace: Stores["pools"]["replace"] = (next) => {
      counts.poolWrites++;
      return stores.pools.replace(next);
    };
    return { ...stores, pools: { ...stores.pools, replace } };
  };
}
