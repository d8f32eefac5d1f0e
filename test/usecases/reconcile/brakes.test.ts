// A pool that denies its containers, or a table that forgot them: rather nothing is stopped than everything.
import { expect, test } from "vitest";
import { BRAKES_HOLD_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { aTemplate, LIMITS } from "../../domain/builders.ts";
import { isQuiet, jobsOf, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function running(count: number, jobMs = 10 * HOUR_MS): Promise<World> {
  const limits = { ...LIMITS, executionMs: 24 * HOUR_MS };
  const world = createWorld({ cards: count, script: { jobMs }, templates: [aTemplate({ limits })] });
  for (let n = 0; n < count; n++) world.github.queue();
  await play(world, { forMs: 5 * MINUTE_MS });
  expect(world.pool.running()).toHaveLength(count);
  return world;
}

/** The pool's API answers as if nothing were there. Every worker falls silent, as it may while the network is away. */
function denyAll(world: World, isDenied: () => boolean): void {
  const { inspect } = world.pool;
  world.pool.inspect = async (id) => (isDenied() ? { type: "gone" } : inspect(id));
}

async function passes(world: World, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    world.clock.advance(MINUTE_MS);
    await world.reconcile();
  }
}

test("the pool denies all of 20 silent workers for some minutes: nothing is stopped, no card is given away", async () => {
  const world = await running(20, 30 * MINUTE_MS);
  let denied = true;
  denyAll(world, () => denied);
  await passes(world, 10);
  expect(world.pool.stops).toEqual([]);
  expect(world.pool.running()).toHaveLength(20);
  expect(usedCards((await poolOf(world))!)).toBe(20);
  expect(world.log.of("brakes").length).toBeGreaterThan(5);
  expect(world.log.of("brakes")[0]).toMatchObject({ level: "error", count: 20 });
  expect(world.log.of("brakes")[0]?.message).toContain("20 workers");
  // The pass fails visibly each time.
  expect(world.faults.length).toBeGreaterThan(5);
  denied = false;
  await play(world, { forMs: 2 * HOUR_MS, until: isQuiet });
  expect((await jobsOf(world)).every((job) => job?.state === "COMPLETED")).toBe(true);
  expect(world.pool.started).toHaveLength(20);
});

test("halted, the rest of the pass goes on", async () => {
  const world = await running(20);
  denyAll(world, () => true);
  await passes(world, 3);
  const before = world.log.of("brakes").length;
  expect(before).toBeGreaterThan(0);
  const calls = world.github.calls.deliveries;
  await passes(world, 6);
  expect(world.github.calls.deliveries).toBeGreaterThan(calls);
});

test("what is really gone is let go after half an hour", async () => {
  const world = await running(20);
  for (const id of world.pool.running()) world.pool.vanish(id);
  await passes(world, BRAKES_HOLD_MS / MINUTE_MS - 5);
  expect(usedCards((await poolOf(world))!)).toBe(20);
  await passes(world, 10);
  expect(world.log.of("brakes-let-go").length).toBeGreaterThan(0);
  expect(usedCards((await poolOf(world))!)).toBe(0);
});

test("three at once are no reason to brake", async () => {
  const world = await running(3);
  for (const id of world.pool.running()) world.pool.vanish(id);
  await passes(world, 4);
  expect(world.log.of("brakes")).toEqual([]);
  expect(usedCards((await poolOf(world))!)).toBe(0);
});

test("containers that ended by themselves are no stops: a host that was booted again has its cards at once", async () => {
  const world = await running(20);
  for (const id of world.pool.running()) world.pool.crash(id);
  await passes(world, 2);
  expect(world.log.of("brakes")).toEqual([]);
  expect(usedCards((await poolOf(world))!)).toBe(0);
});

test("a table that forgot its workers: their containers are not stopped, and those that ping go on", async () => {
  const world = await running(20);
  const ids = world.pool.running();
  for (const id of ids) world.loseRecord(id);
  await passes(world, 5);
  expect(world.pool.stops).toEqual([]);
  expect(world.log.of("brakes").length).toBeGreaterThan(0);
  await world.step();
  expect(await adoptedOf(world, ids)).toBe(20);
  expect(usedCards((await poolOf(world))!)).toBe(20);
});

async function adoptedOf(world: World, ids: readonly WorkerId[]): Promise<number> {
  const records = await Promise.all(ids.map((id) => world.stores.workers.get(id)));
  return records.filter((record) => record?.state === "running").length;
}

test("seen in drops, every 2 s some of them, they count together", async () => {
  const world = await running(20);
  denyAll(world, () => true);
  for (let n = 0; n < 120; n++) {
    world.clock.advance(2_000);
    await world.reconcile();
  }
  expect(world.pool.stops.length).toBeLessThanOrEqual(3);
  expect(world.pool.running().length).toBeGreaterThanOrEqual(17);
});
