// A start that is under way while its worker is no longer wanted: no container is left behind, no job is forgotten.
import { describe, expect, test } from "vitest";
import { newWorkerId } from "../../../shared/domain/ids.ts";
import { newWorker } from "../../../shared/domain/worker/worker-steps.ts";
import { claimAndStart } from "../../../shared/usecases/dispatch/start-worker.ts";
import { retireWorker } from "../../../shared/usecases/pairing/retire-worker.ts";
import { reviveWorker } from "../../../shared/usecases/reconcile/look-at-worker.ts";
import { anEndpoint, POOL } from "../../domain/builders.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

/** A job that waits, and the worker that a pass has just written for it: reserved, and nothing more. */
async function reserved(world: World) {
  const { workflowJobId: id } = world.github.queue();
  world.pool.unavailable("not yet");
  await world.deliver();
  world.pool.heal();
  const job = await jobOf(world, id);
  const endpoint = anEndpoint();
  const scope = { type: "organization", org: "Acme" } as const;
  const name = newWorkerId("t3st00", "reserved0001");
  const worker = newWorker(name, { job, endpoint, slots: [0], scope, now: world.now() });
  await world.stores.workers.create(worker);
  return { id, job, worker };
}

describe("a worker that is called off while the pool starts it", () => {
  test("keeps its cards until its container is there and gone again", async () => {
    const world = createWorld();
    const { job, worker } = await reserved(world);
    const held: unknown[] = [];
    const { driver } = world.deps.pools.get(POOL)!;
    const start = driver.start.bind(driver);
    const slow = {
      ...driver,
      start: async (spec: Parameters<typeof start>[0]) => {
        await retireWorker(world.deps, worker.id, job.id);
        await world.settle();
        held.push((await world.stores.workers.get(worker.id))?.state);
        return start(spec);
      },
    };
    const pools = new Map([[POOL, { name: POOL, driver: slow, maxWorkers: undefined }]]);
    await claimAndStart({ ...world.deps, pools }, { worker, job });
    await world.settle();
    expect(held).toEqual(["reserving"]);
    expect(world.pool.running()).not.toContain(worker.id);
    expect((await world.stores.workers.get(worker.id))?.state).toBe("released");
  });
});

test("a pass that stood still does not claim the job of a worker that was given up meanwhile", async () => {
  const world = createWorld();
  const { id, job, worker } = await reserved(world);
  await reviveWorker(world.deps, worker);
  expect(await claimAndStart(world.deps, { worker, job })).toBe("claim-lost");
  await world.settle();
  expect(world.pool.started.map(({ workerId }) => workerId)).not.toContain(worker.id);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect((await poolOf(world))?.reservations).toEqual({});
});
