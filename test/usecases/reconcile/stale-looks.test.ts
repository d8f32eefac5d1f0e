// Between the look at a worker and what is done for it the world goes on: an act that nobody can take back rests on a look
// behind the last slow call, or on a write that fails where somebody else has written.
import { describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { endpointName } from "../../../shared/domain/ids.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { reviveWorker } from "../../../shared/usecases/reconcile/look-at-worker.ts";
import { findOrphanContainers } from "../../../shared/usecases/reconcile/orphan-containers.ts";
import { removeOrphanRegistrations } from "../../../shared/usecases/reconcile/orphan-registrations.ts";
import type { PlannedStop } from "../../../shared/usecases/reconcile/planned-stops.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { LIMITS, POOL, TENANT } from "../../domain/builders.ts";
import { jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** One worker that listens, or runs its job. */
async function working(isRunning: boolean): Promise<{ world: World; id: number; worker: WorkerId }> {
  const world = createWorld({ script: { jobMs: 3 * HOUR_MS } });
  const id = world.github.queue().workflowJobId;
  await world.deliver();
  for (let n = 0; n < 4; n++) await world.step();
  const worker = (await jobOf(world, id)).workerId as WorkerId;
  if (isRunning) {
    world.github.assign(worker, id);
    await world.deliver();
    await world.step();
  }
  return { world, id, worker };
}

async function recordOf(world: World, id: WorkerId): Promise<Worker> {
  return (await world.stores.workers.get(id)) as Worker;
}

/** Somebody writes it: it was given another job, or something was heard of it. */
async function touch(world: World, id: WorkerId, more: Partial<Worker> = {}): Promise<void> {
  const worker = await recordOf(world, id);
  await world.stores.workers.replace({ ...worker, ...more, version: worker.version + 1 });
}

describe("a worker that was looked at, and written by somebody else since", () => {
  test("is not asked to end for the idle time of before", async () => {
    const { world, worker } = await working(false);
    world.clock.advance(LIMITS.idleMs);
    const seen = await recordOf(world, worker);
    await touch(world, worker);
    await reviveWorker(world.deps, seen);
    expect((await recordOf(world, worker)).drain).toBeUndefined();
    await reviveWorker(world.deps, await recordOf(world, worker));
    expect((await recordOf(world, worker)).drain?.reason).toBe("idle");
  });

  test("is not stopped for the limit of a job that it no longer has", async () => {
    const { world, worker } = await working(true);
    world.clock.advance(LIMITS.executionMs);
    const stop = await reviveWorker(world.deps, await recordOf(world, worker));
    // It is written between the last look and the stop.
    const { get } = world.stores.workers;
    let looks = 0;
    Object.assign(world.deps.stores.workers, {
      async get(id: WorkerId) {
        const found = await get(id);
        if (++looks === 1) await touch(world, worker);
        return found;
      },
    });
    await stop?.run();
    expect(looks).toBeGreaterThan(0);
    expect(world.pool.running()).toEqual([worker]);
  });

  test("is given no further job once it is stopped for its limit", async () => {
    const { world, worker } = await working(true);
    world.clock.advance(LIMITS.executionMs);
    const stop = await reviveWorker(world.deps, await recordOf(world, worker));
    let drainAtStop: string | undefined;
    const driver = world.deps.pools.get(POOL)!.driver;
    const { stop: end } = driver;
    Object.assign(driver, {
      async stop(...call: Parameters<typeof end>) {
        drainAtStop ??= (await recordOf(world, worker)).drain?.reason;
        return end(...call);
      },
    });
    await stop?.run();
    expect(drainAtStop).toBe("execution-timeout");
    expect(world.pool.running()).toEqual([]);
  });
});

describe("a container without a record whose worker pings at the last moment", () => {
  const claimsOf = (worker: WorkerId) => ({
    worker,
    pool: POOL,
    endpoint: endpointName("linux-aarch64-a2-1"),
    tenant: TENANT,
  });
  const PING = { phase: "running", jobName: "build" } as const;

  async function orphaned() {
    const { world, id, worker } = await working(true);
    world.loseRecord(worker);
    const stops: PlannedStop[] = [];
    await findOrphanContainers(world.deps, POOL, stops);
    world.clock.advance(MINUTE_MS);
    await findOrphanContainers(world.deps, POOL, stops);
    expect(stops).toHaveLength(1);
    // GitHub's count of its job is minutes late.
    world.github.runners.get(worker)!.job = undefined;
    return { world, id, worker, stop: stops[0]! };
  }

  test("is adopted while GitHub is asked, and goes on", async () => {
    const { world, worker, stop } = await orphaned();
    Object.assign(world.deps.github, {
      async findRunner() {
        await recordPing(world.deps, worker, PING, claimsOf(worker));
        return undefined;
      },
    });
    await stop.run();
    expect(world.pool.running()).toEqual([worker]);
    expect(await recordOf(world, worker)).toMatchObject({ state: "running" });
  });

  test("is not adopted any more once its stop is under way", async () => {
    const { world, worker, stop } = await orphaned();
    const driver = world.deps.pools.get(POOL)!.driver;
    const { stop: end } = driver;
    Object.assign(driver, {
      async stop(...call: Parameters<typeof end>) {
        expect(await recordPing(world.deps, worker, PING, claimsOf(worker))).toBe("no-record");
        return end(...call);
      },
    });
    await stop.run();
    expect(world.pool.running()).toEqual([]);
    expect(await recordOf(world, worker)).toMatchObject({ state: "released" });
  });
});

test("a registration without a worker stays whose worker is adopted while others are cleaned up", async () => {
  const { world, worker } = await working(false);
  const record = await recordOf(world, worker);
  const passes = async (ms: number) => {
    world.clock.advance(ms);
    await removeOrphanRegistrations(world.deps);
  };
  await play(world, { forMs: MINUTE_MS, assign: () => undefined });
  world.loseRecord(worker);
  await passes(11 * MINUTE_MS);
  const { get } = world.deps.stores.workers;
  let looks = 0;
  Object.assign(world.deps.stores.workers, {
    async get(id: WorkerId) {
      const found = await get(id);
      if (++looks === 1) await world.stores.workers.create({ ...record, version: 1 });
      return found;
    },
  });
  await passes(11 * MINUTE_MS);
  expect(looks).toBeGreaterThan(1);
  expect(world.github.runners.has(worker)).toBe(true);
});
