// GitHub gives jobs to whichever runner fits: jobs and workers are paired again, and nobody is started or stopped for it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isQuiet, jobOf, jobsOf, play, surplusWorkers } from "../../fakes/play.ts";
import { seededRandom } from "../../fakes/seeded-random.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

/** So many jobs, each with a listening worker, and nothing given yet. */
async function listening(jobs: number, world = createWorld()): Promise<World> {
  for (let n = 0; n < jobs; n++) world.github.queue();
  await world.deliver();
  for (let n = 0; n < 4; n++) await world.step();
  return world;
}

const idsOf = (world: World) => [...world.github.jobs.keys()] as [number, number, number];
const workerOf = async (world: World, id: number) => (await jobOf(world, id)).workerId!;
const servedBy = async (world: World, id: number) =>
  (await world.stores.workers.get(await workerOf(world, id)))?.jobId;

test("W1 takes B, W2 takes A: the two are swapped, in either order of the events", async () => {
  for (const reversed of [false, true]) {
    const world = await listening(2);
    const [a, b] = idsOf(world);
    const [w1, w2] = [await workerOf(world, a), await workerOf(world, b)];
    world.github.assign(w1, b);
    world.github.assign(w2, a);
    world.post = (words) => (reversed ? words.reverse() : words);
    await world.deliver();
    expect([await workerOf(world, a), await workerOf(world, b)]).toEqual([w2, w1]);
    expect([await servedBy(world, a), await servedBy(world, b)]).toEqual([`gh-${a}`, `gh-${b}`]);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect(world.pool.started).toHaveLength(2);
  }
});

test("W1 takes B alone: W2 takes A, nobody is started", async () => {
  const world = await listening(2);
  const [a, b] = idsOf(world);
  const [w1, w2] = [await workerOf(world, a), await workerOf(world, b)];
  world.github.assign(w1, b);
  await world.deliver();
  expect(await workerOf(world, a)).toBe(w2);
  expect(await jobOf(world, b)).toMatchObject({ workerId: w1, state: "IN_PROGRESS" });
  expect((await world.stores.workers.get(w2))?.drain).toBeUndefined();
});

test("W1 takes a job that has no worker: its own job waits again, in its old place", async () => {
  const world = createWorld({ cards: 1 });
  await listening(2, world);
  const [a, b] = idsOf(world);
  const w1 = await workerOf(world, a);
  const before = await jobOf(world, a);
  world.github.assign(w1, b);
  await world.deliver();
  expect(await jobOf(world, b)).toMatchObject({ state: "IN_PROGRESS", workerId: w1 });
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_QUEUE", queuedAt: before.queuedAt });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(2);
});

test("an event names a job we never heard of: it is created and its worker found", async () => {
  const world = await listening(1);
  const [a] = idsOf(world);
  const w1 = await workerOf(world, a);
  const b = world.github.queue().workflowJobId;
  world.github.takeOutbox();
  world.github.assign(w1, b);
  await world.deliver();
  expect(await jobOf(world, b)).toMatchObject({ state: "IN_PROGRESS", workerId: w1 });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});

test("in_progress was lost: completed names the runner, and its former worker serves the other job", async () => {
  const world = await listening(2);
  const [a, b] = idsOf(world);
  const [w1, w2] = [await workerOf(world, a), await workerOf(world, b)];
  world.github.assign(w1, b);
  world.github.takeOutbox();
  world.github.complete(b);
  await world.deliver();
  expect(await jobOf(world, b)).toMatchObject({ state: "COMPLETED", workerId: w1 });
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_QUEUE", workerId: w2 });
  expect(await world.stores.workers.get(w2)).toMatchObject({ jobId: `gh-${a}` });
});

test("GitHub gives a runner another job without a word that it took one back: only the later one is its own", async () => {
  const world = await listening(2);
  const [a, b] = idsOf(world);
  const w1 = await workerOf(world, a);
  const runner = { id: world.github.runners.get(w1)?.id ?? 0, name: w1 };
  world.github.change(b, { status: "in_progress", startedAt: world.now(), runner });
  await world.deliver();
  world.github.change(a, { status: "in_progress", startedAt: world.now() + 60_000, runner });
  // Two rebinds, each of which undid the other's, went on until GitHub was asked a minute later.
  await world.deliver();
  expect(await jobOf(world, a)).toMatchObject({ workerId: w1 });
  expect(await servedBy(world, a)).toBe(`gh-${a}`);
  expect((await jobOf(world, b)).verifyAt).toBeLessThanOrEqual(world.now() + 60_000);
  expect((await jobOf(world, b)).version).toBeLessThan(12);
});

test("a stranger's runner takes our job: our worker goes to the next demand, and GitHub is asked in the end", async () => {
  const world = createWorld({ cards: 1 });
  await listening(2, world);
  const [a, b] = idsOf(world);
  const w1 = await workerOf(world, a);
  world.github.change(a, {
    status: "in_progress",
    startedAt: world.now(),
    runner: { id: 5, name: "strangers-runner" },
  });
  await world.deliver();
  expect(await jobOf(world, b)).toMatchObject({ workerId: w1 });
  // Its `completed` is lost, and no worker of ours will ever end for it.
  world.github.hook.emits = () => false;
  world.github.change(a, { status: "completed", conclusion: "success" });
  world.github.hook.emits = () => true;
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(1);
  expect(world.github.calls.workflowJob).toBe(1);
});

describe("ten jobs, every runner takes any job", () => {
  test.each(["in-order", "twice-reversed", "side-by-side"] as const)("changes %s", async (stream) => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 3, max: 12 }), async (seed, cards) => {
        const { fraction } = seededRandom(seed);
        const world = createWorld({ seed, cards, stream, script: { jobMs: 45_000 } });
        for (let n = 0; n < 10; n++) world.github.queue();
        const surplus: number[] = [];
        const quiet = await play(world, {
          forMs: 3 * HOUR_MS,
          until: isQuiet,
          assign: ({ github }) => {
            const queued = [...github.jobs.values()].filter((word) => word.status === "queued");
            for (const name of github.runners.keys()) {
              const wanted = queued[Math.floor(fraction() * queued.length)];
              if (wanted !== undefined && fraction() < 0.7) github.assign(name, wanted.workflowJobId);
            }
          },
          eachStep: () => void surplus.push(surplusWorkers(world)),
        });
        expect(quiet).toBe(true);
        expect((await jobsOf(world)).every((job) => job?.state === "COMPLETED")).toBe(true);
        // Two pairings at once may each see the other half done: then one worker is drained and another started.
        if (stream !== "side-by-side") expect(Math.max(...surplus)).toBe(0);
        expect(world.pool.overbooked).toEqual([]);
        expect(world.faults).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

describe("a listening worker loses its job while an equal one waits for another worker", () => {
  async function cancelFirst(world: World): Promise<void> {
    const [a] = idsOf(world);
    world.github.change(a, { status: "completed", conclusion: "cancelled" });
    await world.deliver();
  }

  test("which is not registered yet: that one is recalled, for it need not be asked", async () => {
    const world = await listening(1);
    world.github.queue();
    await world.deliver();
    const [a, b] = idsOf(world);
    const [w1, w2] = [await workerOf(world, a), await workerOf(world, b)];
    await cancelFirst(world);
    expect(await jobOf(world, b)).toMatchObject({ workerId: w1, state: "IN_QUEUE" });
    const kept = await world.stores.workers.get(w1);
    expect([kept?.jobId, kept?.drain]).toEqual([`gh-${b}`, undefined]);
    expect((await world.stores.workers.get(w2))?.state).toBe("released");
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });

  test("which is registered too: neither is asked to drain before GitHub has chosen and its runner has begun", async () => {
    const world = await listening(2);
    const [a, b] = idsOf(world);
    const [w1, w2] = [await workerOf(world, a), await workerOf(world, b)];
    await cancelFirst(world);
    // GitHub is in no hurry, and looks at the older runner first.
    await play(world, { forMs: 2 * 60_000, assign: () => undefined });
    expect((await world.stores.workers.get(w1))?.drain).toBeUndefined();
    world.github.assign(w1, b);
    await world.deliver();
    expect(await jobOf(world, b)).toMatchObject({ workerId: w1, state: "IN_PROGRESS" });
    // A job that is not picked up within a minute is given to another runner, and no event tells.
    expect((await world.stores.workers.get(w2))?.drain).toBeUndefined();
    await play(world, { forMs: 2 * 60_000, assign: () => undefined });
    expect((await world.stores.workers.get(w2))?.state).toBe("released");
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });

  test("GitHub chooses the other: the spare one is drained at its next look", async () => {
    const world = await listening(2);
    const [a, b] = idsOf(world);
    const [w1, w2] = [await workerOf(world, a), await workerOf(world, b)];
    await cancelFirst(world);
    world.github.assign(w2, b);
    await world.deliver();
    await play(world, { forMs: 2 * 60_000, assign: () => undefined });
    expect((await world.stores.workers.get(w1))?.state).toBe("released");
    expect(await jobOf(world, b)).toMatchObject({ workerId: w2 });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });
});
