// What a worker's end leaves behind: its cards come back at once, and the estimate learns only from jobs.
import { expect, test } from "vitest";
import type { Deps } from "../../../shared/usecases/deps.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { aReport } from "../../domain/builders.ts";
import { isQuiet, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

/** Heartbeats reach the store when `open` is called. */
function lateHeartbeats(world: World): { deps: Deps; open: () => void } {
  const gate = Promise.withResolvers<void>();
  const { workers } = world.deps.stores;
  const late: typeof workers = {
    ...workers,
    async heartbeat(...beat) {
      await gate.promise;
      return workers.heartbeat(...beat);
    },
  };
  return { deps: { ...world.deps, stores: { ...world.deps.stores, workers: late } }, open: gate.resolve };
}

test("a ping that is written after its worker's end does not put off its release", async () => {
  const world = createWorld({ cards: 1, script: { jobMs: HOUR_MS } });
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  const [worker] = world.pool.running();
  if (worker === undefined) throw new Error("no container was made");
  for (let n = 0; n < 5; n++) {
    world.clock.advance(10_000);
    await world.step();
    world.github.assign(worker);
    await world.deliver();
  }
  expect((await world.stores.workers.get(worker))?.state).toBe("running");
  world.clock.advance(31_000);
  const late = lateHeartbeats(world);
  const ping = recordPing(late.deps, worker, { phase: "running", jobName: undefined });
  await new Promise((resolve) => setImmediate(resolve));
  world.github.complete(id);
  await finishWorker(world.deps, worker, aReport());
  late.open();
  await ping;
  await world.deliver();
  expect((await world.stores.workers.get(worker))?.state).toBe("released");
  expect((await poolOf(world))?.reservations).toEqual({});
});

test("starts that failed say nothing of how long a job holds its cards", async () => {
  const world = createWorld();
  world.pool.refuse("no such image");
  for (let n = 0; n < 10; n++) world.github.queue();
  await play(world, { forMs: HOUR_MS });
  expect(world.log.of("worker-not-started").length).toBeGreaterThan(10);
  expect((await poolOf(world))?.heldMs).toBeUndefined();
  world.pool.heal();
  expect(await play(world, { forMs: 2 * HOUR_MS, until: isQuiet })).toBe(true);
  expect((await poolOf(world))?.heldMs).toBeGreaterThan(60_000);
});

test("where its pool does not say where its cards were, they come back without a word on them", async () => {
  const world = createWorld({ cards: 1 });
  world.github.queue();
  await world.deliver();
  const [worker] = world.pool.running();
  if (worker === undefined) throw new Error("no container was made");
  Object.assign(world.pool, { capabilities: { ...world.pool.capabilities, nodes: true } });
  world.pool.inspect = async () => Promise.reject(new Error("HTTP 500"));
  await finishWorker(world.deps, worker, aReport({ outcome: "preflight-failed", message: "E_HEALTH" }));
  await world.deliver();
  expect((await world.stores.workers.get(worker))?.state).toBe("released");
  expect((await poolOf(world))?.reservations).toEqual({});
  expect(world.log.of("cards-not-located")).toHaveLength(1);
});
