// A workflow job is cancelled before a runner took it: its worker serves the next equal demand, or is asked to end.
import { expect, test } from "vitest";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

async function cancel(world: World, id: number): Promise<void> {
  world.github.change(id, { status: "completed", conclusion: "cancelled" });
  await world.deliver();
}

test.each([0, 1])(
  "no other demand, cancelled after %i steps, before the worker has a registration: it is ended at once",
  async (steps) => {
    const world = createWorld();
    const { workflowJobId } = world.github.queue();
    await world.deliver();
    for (let n = 0; n < steps; n++) await world.step();
    await cancel(world, workflowJobId);
    const { workerId } = await jobOf(world, workflowJobId);
    expect(await world.stores.workers.get(workerId!)).toMatchObject({ state: "released" });
    expect(world.pool.stops.map((stop) => stop.workerId)).toContain(workerId);
    expect(world.github.runners.size).toBe(0);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  },
);

test.each([2, 3, 4])(
  "no other demand, cancelled after %i steps of the worker: asked to drain, not stopped",
  async (steps) => {
    const world = createWorld();
    const { workflowJobId } = world.github.queue();
    await world.deliver();
    for (let n = 0; n < steps; n++) await world.step();
    await cancel(world, workflowJobId);
    const { workerId, state, end } = await jobOf(world, workflowJobId);
    expect({ state, reason: end?.reason }).toEqual({ state: "CANCELLED", reason: "cancelled-before-pickup" });
    expect(await world.stores.workers.get(workerId!)).toMatchObject({ drain: { reason: "surplus" } });
    expect(world.pool.stops).toEqual([]);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, workflowJobId)).state).toBe("CANCELLED");
  },
);

test.each([0, 2, 4])("another equal demand waits: the worker is given on after %i steps", async (steps) => {
  const world = createWorld({ cards: 1, stream: "twice-reversed" });
  const [a, b, c] = [world.github.queue(), world.github.queue(), world.github.queue()];
  await world.deliver();
  for (let n = 0; n < steps; n++) await world.step();
  const w1 = (await jobOf(world, a.workflowJobId)).workerId!;
  await cancel(world, a.workflowJobId);
  expect(await world.stores.workers.get(w1)).toMatchObject({ jobId: `gh-${b.workflowJobId}` });
  expect((await jobOf(world, b.workflowJobId)).workerId).toBe(w1);
  // The same delivery and the same change again give nothing away a second time.
  expect((await jobOf(world, c.workflowJobId)).workerId).toBeUndefined();
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(2);
});

test("a demand of another endpoint is not equal", async () => {
  const world = createWorld({ cards: 2 });
  const a = world.github.queue({ labels: ["linux-aarch64-a2-2"] });
  const b = world.github.queue();
  await world.deliver();
  const first = (await jobOf(world, a.workflowJobId)).workerId;
  await cancel(world, a.workflowJobId);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(await jobOf(world, b.workflowJobId)).toMatchObject({ state: "COMPLETED" });
  expect((await jobOf(world, b.workflowJobId)).workerId).not.toBe(first);
});

test("a demand of another repository is not equal where runners are registered at the repository", async () => {
  const owner = { id: 12, login: "someone", type: "User" } as const;
  const world = createWorld({ cards: 1, tenants: [{ ...createWorld().deps.tenants[0]!, owner: "someone" }] });
  const a = world.github.queue({ repository: { id: 1, name: "one", owner } });
  const b = world.github.queue({ repository: { id: 2, name: "two", owner } });
  await world.deliver();
  const first = (await jobOf(world, a.workflowJobId)).workerId;
  await cancel(world, a.workflowJobId);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, b.workflowJobId)).workerId).not.toBe(first);
});

test("cancelled while it waits for a card: nothing is started for it", async () => {
  const world = createWorld({ cards: 1 });
  world.github.queue();
  const b = world.github.queue();
  await world.deliver();
  await cancel(world, b.workflowJobId);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(1);
});

test("cancelled while it runs: the worker reports, nobody drains or stops it before", async () => {
  const world = createWorld({ script: { jobMs: HOUR_MS } });
  const { workflowJobId } = world.github.queue();
  await play(world, { forMs: 120_000 });
  expect((await jobOf(world, workflowJobId)).state).toBe("IN_PROGRESS");
  world.github.complete(workflowJobId, "cancelled");
  await world.deliver();
  const { workerId, state, end } = await jobOf(world, workflowJobId);
  expect({ state, reason: end?.reason }).toEqual({ state: "CANCELLED", reason: "workflow-job-cancelled" });
  expect((await world.stores.workers.get(workerId!))?.drain).toBeUndefined();
  expect(world.pool.stops).toEqual([]);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});
