// A job from GitHub's `queued` to the last free card, alone and among others.
import { describe, expect, test } from "vitest";
import { usedCards } from "../../shared/domain/pool/pool.ts";
import { aTemplate, POOL } from "../domain/builders.ts";
import { isQuiet, jobOf, jobsOf, play, poolOf } from "../fakes/play.ts";
import { createWorld } from "../fakes/world.ts";

const HOUR_MS = 3_600_000;

describe.each(["token", "jit"] as const)("with a %s registration", (registration) => {
  test.each(["in-order", "twice-reversed", "side-by-side"] as const)(
    "one job, changes %s",
    async (stream) => {
      const world = createWorld({ stream, script: { registration } });
      const { workflowJobId } = world.github.queue();
      await world.deliver();

      expect(await jobOf(world, workflowJobId)).toMatchObject({ state: "IN_QUEUE", starts: 1 });
      expect(world.pool.running()).toEqual([(await jobOf(world, workflowJobId)).workerId]);
      expect(usedCards((await poolOf(world))!)).toBe(1);
      expect(world.github.runners.size).toBe(0);

      expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
      expect(await jobOf(world, workflowJobId)).toMatchObject({
        state: "COMPLETED",
        end: { reason: "succeeded" },
      });
      expect(world.pool.started).toHaveLength(1);
      expect(world.faults).toEqual([]);
      // One registration, and no question about a job of which every event came.
      expect(world.github.calls).toMatchObject({ workflowJob: 0, deleteRunner: 0 });
      expect(world.github.calls.registrationToken + world.github.calls.jitConfig).toBe(1);
    },
  );
});

test("the worker is told all it needs and nothing secret", async () => {
  const world = createWorld();
  world.github.queue({ labels: ["linux-aarch64-a2-4"] });
  await world.deliver();
  const [spec] = world.pool.started;
  expect(spec).toMatchObject({ endpoint: "linux-aarch64-a2-4", cards: 4, slots: [0, 1, 2, 3] });
  expect(spec?.workerId).toMatch(/^npud-t3st00-[a-z0-9]{12}$/);
});

test("20 jobs on 8 cards: eight at a time, all complete, oldest first", async () => {
  const world = createWorld();
  const ids = Array.from({ length: 20 }, () => world.github.queue().workflowJobId);
  const inUse: number[] = [];
  const quiet = await play(world, {
    forMs: HOUR_MS,
    until: isQuiet,
    eachStep: async () => void inUse.push(usedCards((await poolOf(world))!)),
  });
  expect(quiet).toBe(true);
  expect(Math.max(...inUse)).toBe(8);
  expect((await jobsOf(world)).map((job) => job?.state)).toEqual(ids.map(() => "COMPLETED"));
  expect(world.pool.started).toHaveLength(20);
  expect(world.pool.overbooked).toEqual([]);
  expect(world.faults).toEqual([]);
});

test("a pool without named cards gets no slots and is not overfilled either", async () => {
  const world = createWorld({ namedCards: false, cards: 4 });
  for (let n = 0; n < 6; n++) world.github.queue({ labels: ["linux-aarch64-a2-2"] });
  await world.deliver();
  expect(world.pool.started.map((spec) => spec.slots)).toEqual([[], []]);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});

test("endpoints without cards start though no card is free, up to the pool's workers", async () => {
  const cpu = aTemplate({ name: "cpu", selector: "cpu-box", labels: [], cards: 0, counts: [] });
  const world = createWorld({ templates: [aTemplate(), cpu], cards: 1, maxWorkers: 3 });
  world.github.queue();
  for (let n = 0; n < 4; n++) world.github.queue({ labels: ["cpu-box"] });
  await world.deliver();
  expect(world.pool.started.map((spec) => spec.cards).sort()).toEqual([0, 0, 1]);
  expect(Object.keys((await world.deps.stores.pools.get(POOL))!.reservations)).toHaveLength(3);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});
