// The pool refuses, is away, loses answers, loses workers, hangs: no card is lost and none is given twice.
import { describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { aReport } from "../../domain/builders.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function oneJob(
  options: WorldOptions = {},
  steps = 0,
): Promise<{ world: World; id: number; first: WorkerId }> {
  const world = createWorld(options);
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  for (let n = 0; n < steps; n++) await world.step();
  return { world, id, first: world.pool.started[0]?.workerId as WorkerId };
}

async function completes(world: World, id: number, starts: number): Promise<void> {
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect(world.pool.started).toHaveLength(starts);
  expect(world.pool.overbooked).toEqual([]);
}

test("refused: held with the pool's words, tried again slowly", async () => {
  const world = createWorld();
  world.pool.refuse("no such image: cann:9");
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  const { hold, state } = await jobOf(world, id);
  expect(state).toBe("IN_QUEUE");
  expect(hold).toMatchObject({ reason: "start-failed", message: "no such image: cann:9" });
  expect(hold?.until).toBe(world.now() + 10 * MINUTE_MS);
  expect(usedCards((await poolOf(world))!)).toBe(0);
  world.pool.heal();
  await completes(world, id, 1);
});

test("cut off by a crash: another worker starts at once, the job keeps its place and is not blamed", async () => {
  const world = createWorld();
  world.pool.cutOff("the dispatcher that started it ended before its process was known");
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  expect(world.pool.started).toHaveLength(1);
  expect(await jobOf(world, id)).toMatchObject({ failedStarts: 0, starts: 2 });
  expect((await jobOf(world, id)).hold).toBeUndefined();
  await completes(world, id, 1);
});

test("unavailable: the pool is left alone for as long as it says, the job keeps its place and is not blamed", async () => {
  const world = createWorld();
  world.pool.unavailable("the API server is slow", 3 * MINUTE_MS);
  const ids = [world.github.queue(), world.github.queue()].map((word) => word.workflowJobId) as [
    number,
    number,
  ];
  await world.deliver();
  expect(world.log.of("worker-not-started").length).toBeLessThanOrEqual(2);
  world.pool.heal();
  await play(world, { forMs: 2 * MINUTE_MS });
  expect(world.pool.started).toHaveLength(0);
  expect(await jobOf(world, ids[0])).toMatchObject({ failedStarts: 0, state: "IN_QUEUE" });
  await completes(world, ids[0], 2);
});

test("cannot be reached at all: the pass fails visibly, and the job completes once it is back", async () => {
  const world = createWorld();
  world.pool.disconnect();
  const { workflowJobId: id } = world.github.queue();
  await play(world, { forMs: 5 * MINUTE_MS });
  expect(world.faults.length).toBeGreaterThan(0);
  world.pool.heal();
  await completes(world, id, 1);
});

test("away after the claim: the same worker is started when it is back, not a second one", async () => {
  const { world, id } = await oneJob({ cards: 1 });
  const other = world.github.queue().workflowJobId;
  await world.deliver();
  await play(world, { forMs: 90_000 });
  world.pool.disconnect();
  await play(world, { forMs: 5 * MINUTE_MS });
  world.pool.heal();
  await completes(world, other, 2);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
});

test("the answer to a start is lost: it is the same worker that goes on", async () => {
  const world = createWorld();
  world.pool.loseNextStart();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  expect(world.faults).toHaveLength(1);
  await completes(world, id, 1);
  expect((await jobOf(world, id)).starts).toBe(1);
});

test("the answer to a start is lost and the job is cancelled: its container is not forgotten", async () => {
  const world = createWorld({ script: { mute: true } });
  world.pool.loseNextStart();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  world.github.change(id, { status: "completed", conclusion: "cancelled" });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.stops.length).toBeGreaterThan(0);
});

test("the answer to a stop is lost: the cards come back all the same", async () => {
  const { world, id } = await oneJob();
  world.pool.loseNextStop();
  await completes(world, id, 1);
});

test("a container that hangs keeps its cards until it is gone, and is not asked without a pause", async () => {
  const { world, id, first } = await oneJob({ cards: 1 });
  world.pool.hangOnStop(first);
  const second = world.github.queue().workflowJobId;
  await play(world, { forMs: 5 * MINUTE_MS });
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect((await jobOf(world, second)).workerId).toBeUndefined();
  expect(usedCards((await poolOf(world))!)).toBe(1);
  expect(world.pool.stops.length).toBeLessThan(10);
  world.pool.heal();
  await completes(world, second, 2);
});

describe("a worker that ends without a word", () => {
  test.each(["crash", "vanish"] as const)(
    "%s before its runner listened: another start, with the reason",
    async (how) => {
      const { world, id, first } = await oneJob({}, 2);
      world.pool[how](first);
      await play(world, { forMs: 4 * MINUTE_MS });
      expect(await world.stores.workers.get(first)).toMatchObject({ state: "released" });
      expect((await jobOf(world, id)).failedStarts).toBe(1);
      await completes(world, id, 2);
    },
  );

  test.each(["crash", "vanish"] as const)(
    "%s while it listened: GitHub is asked, then it waits again",
    async (how) => {
      const { world, id, first } = await oneJob({}, 4);
      expect(world.worker(first).stage).toBe("listening");
      world.pool[how](first);
      world.github.runners.get(first)!.online = false;
      await completes(world, id, 2);
      expect(world.github.calls.workflowJob).toBe(1);
      expect((await jobOf(world, id)).failedStarts).toBe(0);
    },
  );

  test.each(["crash", "vanish"] as const)(
    "%s while it ran: the job is never started again, GitHub ends it",
    async (how) => {
      const { world, id, first } = await oneJob({ script: { jobMs: HOUR_MS } });
      await play(world, { forMs: 2 * MINUTE_MS });
      expect((await jobOf(world, id)).state).toBe("IN_PROGRESS");
      world.pool[how](first);
      await play(world, { forMs: 10 * MINUTE_MS });
      expect((await jobOf(world, id)).state).toBe("IN_PROGRESS");
      expect(usedCards((await poolOf(world))!)).toBe(0);
      world.github.complete(id, "failure");
      expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
      expect(await jobOf(world, id)).toMatchObject({
        state: "FAILED",
        end: { reason: "worker-lost" },
      });
      expect(world.pool.started).toHaveLength(1);
    },
  );

  test("it left its word with the pool: that counts as its report", async () => {
    const { world, id, first } = await oneJob({}, 2);
    world.pool.exit(
      first,
      1,
      JSON.stringify({
        error: "card 3 is broken",
        output: aReport({ outcome: "preflight-failed", message: "card 3 is broken" }),
      }),
    );
    await play(world, {
      forMs: 3 * MINUTE_MS,
      until: async () => (await jobOf(world, id)).failedStarts === 1,
    });
    expect((await world.stores.workers.get(first))?.report).toMatchObject({ outcome: "preflight-failed" });
    expect((await jobOf(world, id)).hold).toMatchObject({ message: "card 3 is broken" });
    await completes(world, id, 2);
  });

  test("half a word is none", async () => {
    const { world, id, first } = await oneJob({}, 2);
    world.pool.exit(first, 1, '{"output":{"outc');
    world.pool.print(first, "out of memory");
    await play(world, { forMs: 4 * MINUTE_MS });
    expect(world.log.of("worker-ended")[0]).toMatchObject({ reason: "lost" });
    expect(world.log.of("worker-ended")[0]?.message).toContain("out of memory");
    await completes(world, id, 2);
  });
});

test("cards taken away and added are noticed", async () => {
  const world = createWorld({ cards: 2 });
  for (let n = 0; n < 4; n++) world.github.queue();
  await world.deliver();
  const before = (await poolOf(world))!;
  await world.stores.pools.replace({ ...before, version: before.version + 1, total: 1 });
  await world.reconcile();
  expect((await poolOf(world))?.total).toBe(2);
});

test("cards that fail two preflights in a row are given to nobody for an hour; the job goes on on others", async () => {
  const world = createWorld({ cards: 4, script: { failsWith: "preflight-failed" } });
  world.github.queue();
  const reservedSlots = new Set<number>();
  await play(world, {
    forMs: 30 * 60_000,
    eachStep: async () => {
      const pool = await poolOf(world);
      for (const { slots } of Object.values(pool?.reservations ?? {}))
        for (const slot of slots) reservedSlots.add(slot);
    },
    until: async () =>
      Object.values((await poolOf(world))?.trouble ?? {}).some((one) => one.until !== undefined),
  });
  const trouble = (await poolOf(world))?.trouble ?? {};
  expect(reservedSlots.size).toBeGreaterThan(1);
  expect(Object.values(trouble).some((one) => one.strikes === 2)).toBe(true);
  expect(world.log.of("card-quarantined")).toHaveLength(1);
  // The driver was repaired: the job runs on a card that is left.
  world.script = { jobMs: 60_000, registration: "token" };
  expect(await play(world, { forMs: 3 * 3_600_000, until: isQuiet })).toBe(true);
});
