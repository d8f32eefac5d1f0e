// Dispatch passes that meet: one at a time by the lock, none lost, and an index that is behind starts nothing twice.
import { describe, expect, test } from "vitest";
import { PASS_LOCK_MS } from "../../../shared/domain/deadlines.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import type { JobHead, Stores } from "../../../shared/ports/store.ts";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import { recover } from "../../../shared/usecases/reconcile/recover.ts";
import { aPool, aTemplate, POOL } from "../../domain/builders.ts";
import { isQuiet, jobsOf, play, poolOf } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { CPU, createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

/** So many jobs wait, their lane is known, and nobody has looked at them. */
async function waiting(jobs: number, options: WorldOptions = {}): Promise<World> {
  const world = createWorld({ ...options, stream: "lost" });
  for (let n = 0; n < jobs; n++) world.github.queue();
  await world.deliver();
  for (const job of await jobsOf(world)) {
    await world.stores.lanes.register({ pool: POOL, tenant: job!.tenant, login: "Acme" });
  }
  return world;
}

test.each([2, 5, 10])("%i passes at once start each job once", async (passes) => {
  const world = await waiting(8);
  const started = await Promise.all(Array.from({ length: passes }, () => dispatchPool(world.deps, POOL)));
  expect(started.reduce((sum, count) => sum + count, 0)).toBe(8);
  expect(world.pool.running()).toHaveLength(8);
  expect(world.pool.overbooked).toEqual([]);
  expect(await poolOf(world)).toMatchObject({ dirty: false });
});

describe("the lock", () => {
  const lock = (world: World, until: number) =>
    world.stores.pools.create({ ...aPool(), lock: { holder: "another", until } });

  test("held by another: nothing starts, and the holder is told to look again", async () => {
    const world = await waiting(2);
    await lock(world, world.now() + PASS_LOCK_MS);
    expect(await dispatchPool(world.deps, POOL)).toBe(0);
    expect(await poolOf(world)).toMatchObject({ dirty: true });
    world.clock.advance(PASS_LOCK_MS);
    expect(await dispatchPool(world.deps, POOL)).toBe(2);
  });

  test("left by a crash of the only process: broken at its restart", async () => {
    const world = await waiting(2);
    await lock(world, world.now() + HOUR_MS);
    await recover(world.deps);
    expect(world.pool.started).toHaveLength(2);
  });
});

test("nothing to start costs no write", async () => {
  const world = await waiting(0);
  await dispatchPool(world.deps, POOL);
  const before = world.fuse.count;
  await dispatchPool(world.deps, POOL);
  expect(world.fuse.count - before).toBe(0);
});

test("an index that is behind shows jobs that are taken: none is started again, the next ones are", async () => {
  let stale: JobHead[] | undefined;
  const frozen = (stores: Stores): Stores => ({
    ...stores,
    jobs: Object.assign(Object.create(stores.jobs), {
      heads: async (lane: Parameters<Stores["jobs"]["heads"]>[0], limit: number) => {
        stale ??= await stores.jobs.heads(lane, 100);
        return stale.slice(0, limit);
      },
    }),
  });
  const world = await waiting(6, { wrapStores: frozen, cards: 4 });
  expect(await dispatchPool(world.deps, POOL)).toBe(4);
  world.stream = "in-order";
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(6);
  expect((await jobsOf(world)).every((job) => job?.starts === 1)).toBe(true);
});

test("a new job starts though the index does not show it yet", async () => {
  const blind = (stores: Stores): Stores => ({
    ...stores,
    jobs: Object.assign(Object.create(stores.jobs), { heads: async () => [] }),
  });
  const world = createWorld({ wrapStores: blind });
  world.github.queue();
  await world.deliver();
  expect(world.pool.started).toHaveLength(1);
});

test("cards of workers that are gone or were never written come back", async () => {
  const world = createWorld();
  const held = { tenant: "4711", cards: 8, slots: [0, 1, 2, 3, 4, 5, 6, 7] };
  await world.stores.pools.create({ ...aPool(), reservations: { "npud-t3st00-nobody": held as never } });
  world.github.queue();
  await world.deliver();
  expect(world.pool.started).toEqual([]);
  await world.reconcile();
  expect(world.pool.started).toHaveLength(1);
  expect(usedCards((await poolOf(world))!)).toBe(1);
});

test("a pool or an endpoint that is no longer in dispatch.yaml: its jobs wait, visibly, and the others start", async () => {
  const cpu = aTemplate({ name: "cpu", selector: "cpu-1", labels: [], cards: 1, counts: [], pool: CPU });
  const world = createWorld({ templates: [aTemplate(), cpu] });
  world.github.queue({ labels: ["cpu-1"] });
  await world.deliver();
  expect(world.log.of("pool-unknown").length).toBeGreaterThan(0);
  const waits = await waiting(2);
  const [first] = await jobsOf(waits);
  await waits.stores.jobs.replace({ ...first!, version: first!.version + 1, endpoint: "gone" as never });
  expect(await dispatchPool(waits.deps, POOL)).toBe(1);
  expect(waits.log.of("endpoint-unknown")).toMatchObject([{ level: "error", endpoint: "gone" }]);
});
