// A worker that does nothing on TERM: it has its grace, its cards stay its own until it is gone, and nobody waits for it.
import { expect, test } from "vitest";
import { STOP_GRACE_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { aReport, aTemplate, LIMITS } from "../../domain/builders.ts";
import { apiJobOf, programWorld, submit } from "../../fakes/api-world.ts";
import { play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const SECOND_MS = 1_000;

/** A pass every two seconds, as in one process. */
async function passFor(world: World, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 2 * SECOND_MS) {
    world.clock.advance(2 * SECOND_MS);
    await world.step();
    await world.reconcile();
  }
}

test("another job's execution timeout comes at its time, and the cards wait for the end", async () => {
  const world = programWorld({ cards: 2, script: { program: { jobMs: 3_600_000 } } });
  const first = await submit(world, { executionTimeoutMs: 6 * SECOND_MS });
  await world.settle();
  const [stubborn] = world.pool.running() as [WorkerId];
  world.pool.ignoreTerm(stubborn);
  const second = await submit(world, { executionTimeoutMs: 8 * SECOND_MS });
  await world.settle();
  await passFor(world, 10 * SECOND_MS);
  for (const id of [first, second]) expect(await apiJobOf(world, id)).toMatchObject({ state: "TIMED_OUT" });
  expect(world.pool.running()).toEqual([stubborn]);
  expect(Object.keys((await poolOf(world))?.reservations ?? {})).toEqual([stubborn]);
  await passFor(world, STOP_GRACE_MS + 10 * SECOND_MS);
  expect(world.pool.running()).toEqual([]);
  expect(await world.stores.workers.get(stubborn)).toMatchObject({ state: "released" });
  expect(world.faults).toEqual([]);
});

test("at its own execution limit it may still report within its grace", async () => {
  const world = createWorld({
    templates: [aTemplate({ limits: { ...LIMITS, executionMs: 600 * SECOND_MS } })],
    script: { jobMs: 3_600_000 },
  });
  world.github.queue();
  await world.deliver();
  const [id] = world.pool.running() as [WorkerId];
  world.pool.ignoreTerm(id);
  await play(world, { forMs: 120 * SECOND_MS });
  for (let ms = 0; world.pool.stops.length < 2; ms += 2 * SECOND_MS) {
    expect(ms).toBeLessThan(900 * SECOND_MS);
    world.clock.advance(2 * SECOND_MS);
    await world.reconcile();
  }
  expect(world.pool.running()).toEqual([id]);
  await finishWorker(world.deps, id, aReport({ outcome: "ran", message: "result Canceled" }));
  expect(await world.stores.workers.get(id)).toMatchObject({
    state: "finished",
    report: { message: "result Canceled" },
  });
  expect(world.log.of("worker-stopped")).toEqual([]);
});
