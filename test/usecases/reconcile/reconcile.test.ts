// The pass itself: one at a time, bounded, resumable, and no item or room keeps the others waiting.
import { describe, expect, test } from "vitest";
import { FAILED_ITEM_MS, RECONCILE_LOCK_MS, RECONCILE_WORK_MS } from "../../../shared/domain/deadlines.ts";
import type { JobId } from "../../../shared/domain/ids.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { StoreError } from "../../../shared/ports/store.ts";
import { reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import { recover } from "../../../shared/usecases/reconcile/recover.ts";
import { aGithubSide, aJob, OWNER, POOL, T0, TENANT } from "../../domain/builders.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HELD = { reason: "start-failed", message: "broken", until: T0 } as const;

/** Held jobs whose time has come; the lower the number the longer ago. */
async function dueJobs(world: World, count: number, from = 0): Promise<JobId[]> {
  const ids: JobId[] = [];
  for (let n = from; n < from + count; n++) {
    const job = aJob({ github: aGithubSide({ workflowJobId: 1_000 + n }), hold: { ...HELD, until: T0 + n } });
    await world.stores.jobs.create(job);
    ids.push(job.id);
  }
  world.stream = "lost";
  await world.settle();
  return ids;
}

/** Writes of some jobs fail. */
function failingStores(isFailing: (id: JobId) => boolean): (stores: Stores) => Stores {
  return (stores) => ({
    ...stores,
    jobs: {
      ...stores.jobs,
      get: stores.jobs.get.bind(stores.jobs),
      create: stores.jobs.create.bind(stores.jobs),
      heads: stores.jobs.heads.bind(stores.jobs),
      replace: async (job) => {
        if (isFailing(job.id)) throw new StoreError(`${job.id} cannot be written`, { retryable: true });
        return stores.jobs.replace(job);
      },
    },
  });
}

const isHeld = async (world: World, id: JobId) => (await world.stores.jobs.get(id))?.hold !== undefined;

describe("one pass at a time", () => {
  test("a second one does nothing and says so", async () => {
    const world = createWorld();
    const both = await Promise.all([reconcile(world.deps), reconcile(world.deps)]);
    expect(both).toContainEqual({ looked: 0, failed: 0 });
    expect(both).toContainEqual({ looked: 0, failed: 0, skipped: true });
    expect(await reconcile(world.deps)).toEqual({ looked: 0, failed: 0 });
  });

  test("one that crashed keeps the next from its work for less than two minutes", async () => {
    const world = createWorld();
    const [id] = await dueJobs(world, 1);
    world.clock.advance(1_000);
    world.fuse.arm(world.fuse.count + 1, "after");
    await world.reconcile();
    world.restart();
    world.clock.advance(RECONCILE_LOCK_MS - 1);
    expect(await reconcile(world.deps)).toMatchObject({ skipped: true });
    world.clock.advance(1);
    expect(await reconcile(world.deps)).toMatchObject({ looked: 1 });
    expect(await isHeld(world, id!)).toBe(false);
    expect(RECONCILE_LOCK_MS).toBeLessThan(120_000);
    expect(RECONCILE_WORK_MS).toBeLessThan(RECONCILE_LOCK_MS);
  });

  test("a restarted single process takes the lock of the one before it", async () => {
    const world = createWorld();
    const [id] = await dueJobs(world, 1);
    world.clock.advance(1_000);
    world.fuse.arm(world.fuse.count + 1, "after");
    await world.reconcile();
    world.restart();
    await recover(world.deps);
    expect(await isHeld(world, id!)).toBe(false);
  });
});

describe("bounded work", () => {
  test("200 due items a pass, and the rest in the next", async () => {
    const world = createWorld();
    const ids = await dueJobs(world, 250);
    world.clock.advance(60_000);
    expect(await reconcile(world.deps)).toMatchObject({ looked: 200 });
    expect(await isHeld(world, ids[249]!)).toBe(true);
    await reconcile(world.deps);
    expect(await isHeld(world, ids[249]!)).toBe(false);
  });

  test("a pass that has used up its time leaves the rest to the next, and dispatches all the same", async () => {
    const world: World = createWorld({
      wrapStores: (stores) => ({
        ...stores,
        jobs: {
          ...stores.jobs,
          get: stores.jobs.get.bind(stores.jobs),
          create: stores.jobs.create.bind(stores.jobs),
          heads: stores.jobs.heads.bind(stores.jobs),
          replace: async (job) => {
            world.clock.advance(slowMs);
            return stores.jobs.replace(job);
          },
        },
      }),
    });
    let slowMs = 0;
    await dueJobs(world, 40);
    await world.stores.lanes.register({ pool: POOL, tenant: TENANT, login: OWNER.login });
    world.clock.advance(60_000);
    slowMs = 4_000;
    const { looked } = await reconcile(world.deps);
    expect(looked).toBeLessThan(40);
    expect(world.pool.started.length).toBeGreaterThan(0);
    // The listing of deliveries is left to the next pass too.
    expect(world.github.calls.deliveries).toBe(0);
    slowMs = 0;
    world.clock.advance(60_000);
    await reconcile(world.deps);
    expect(world.github.calls.deliveries).toBe(1);
  });
});

describe("what fails", () => {
  test("does not stop the rest, and fails the pass visibly with each cause", async () => {
    const broken = new Set<JobId>();
    const world = createWorld({ wrapStores: failingStores((id) => broken.has(id)) });
    const ids = await dueJobs(world, 20);
    for (const id of ids.slice(3, 6)) broken.add(id);
    world.clock.advance(60_000);
    const fault = await reconcile(world.deps).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(AggregateError);
    expect((fault as AggregateError).errors.map(String).join()).toContain(`${ids[3]} cannot be written`);
    for (const [n, id] of ids.entries()) expect(await isHeld(world, id)).toBe(n >= 3 && n < 6);
  });

  test("300 failing items, all older than a healthy one, do not keep it from being looked at", async () => {
    const broken = new Set<JobId>();
    const world = createWorld({ wrapStores: failingStores((id) => broken.has(id)) });
    for (const id of await dueJobs(world, 300)) broken.add(id);
    const [healthy] = await dueJobs(world, 1, 300);
    world.clock.advance(60_000);
    await world.reconcile();
    expect(await isHeld(world, healthy!)).toBe(true);
    world.clock.advance(60_000);
    await world.reconcile();
    expect(await isHeld(world, healthy!)).toBe(false);
    // And whoever is due later goes before them at once.
    const [later] = await dueJobs(world, 1, 301);
    world.clock.advance(60_000);
    await world.reconcile();
    expect(await isHeld(world, later!)).toBe(false);
    // The failing ones have their turns, and are well as soon as they can be.
    broken.clear();
    for (let pass = 0; pass < 3; pass++) {
      world.clock.advance(60_000);
      await world.reconcile();
    }
    for (let n = 0; n < 300; n++) expect(await isHeld(world, `gh-${1_000 + n}` as JobId)).toBe(false);
  });

  test("is not tried again without a pause, however often passes come", async () => {
    let tries = 0;
    const world = createWorld({ wrapStores: failingStores(() => ++tries > 0) });
    await dueJobs(world, 1);
    for (let pass = 0; pass < 30; pass++) {
      world.clock.advance(2_000);
      await world.reconcile();
    }
    expect(tries).toBeLessThanOrEqual(60_000 / FAILED_ITEM_MS + 1);
    expect(tries).toBeGreaterThan(1);
  });

  test("a pool that cannot be reached keeps GitHub's side of the pass from nothing", async () => {
    const world = createWorld();
    world.pool.disconnect();
    world.clock.advance(60_000);
    await world.reconcile();
    expect(world.faults).toHaveLength(1);
    expect(world.github.calls.deliveries).toBe(1);
  });
});

test("a quiet pass costs two writes and no call of GitHub but the list of deliveries", async () => {
  const world = createWorld();
  await world.reconcile();
  const before = world.fuse.count;
  const { deliveries: _deliveries, ...calls } = world.github.calls;
  world.clock.advance(2_000);
  await world.reconcile();
  expect(world.fuse.count - before).toBe(2);
  const { deliveries: _after, ...after } = world.github.calls;
  expect(after).toEqual(calls);
});
