// Who shares a pool, and what a pass reads of its lanes to know who may start.
import { describe, expect, test } from "vitest";
import { jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BETA = { ...ACME, owner: "Beta" };
const ITS = { id: 99, owner: { id: 5000, login: "Beta", type: "Organization" as const }, name: "r" };

async function balanceOf(world: World) {
  return (await poolOf(world))?.balance;
}

describe("a pool of one card, and two tenants that wait for it", () => {
  async function contended(): Promise<{ world: World; beta: number }> {
    const world = createWorld({ cards: 1, tenants: [ACME, BETA], script: { jobMs: 6 * HOUR_MS } });
    world.github.queue();
    await world.deliver();
    world.github.queue({ createdAt: world.now() + 1_000 });
    const beta = world.github.queue({ repository: ITS, runId: 5, createdAt: world.now() + 2_000 });
    await world.deliver();
    return { world, beta: beta.workflowJobId };
  }

  test("share it from the look that finds nothing free", async () => {
    const { world } = await contended();
    expect((await balanceOf(world))?.rivals).toEqual({ "4711": 1, "5000": 1 });
    await play(world, { forMs: 50 * MINUTE_MS, stepMs: 30_000 });
    expect(Object.keys((await balanceOf(world))?.beyond ?? {})).toEqual([]);
    // Nothing is written while nothing changes: the time counts when it does.
    const version = (await poolOf(world))?.version;
    await world.reconcile();
    expect((await poolOf(world))?.version).toBe(version);
  });

  test("one whose job is cancelled saves nothing up from the next minute on", async () => {
    const { world, beta } = await contended();
    world.github.change(beta, { status: "completed", conclusion: "cancelled" });
    await world.deliver();
    await play(world, { forMs: 50 * MINUTE_MS, stepMs: 30_000 });
    const { rivals = {}, beyond = {} } = (await balanceOf(world)) ?? {};
    expect(rivals).toEqual({});
    expect(Math.abs(beyond["5000"]!)).toBeLessThan(2 * MINUTE_MS);
  });
});

test("a full pool that was shared before is shared again as soon as others wait", async () => {
  const world = createWorld({ cards: 1, tenants: [ACME, BETA], script: { jobMs: 6 * HOUR_MS } });
  world.github.queue();
  await world.deliver();
  const pool = (await poolOf(world))!;
  const balance = { at: world.now(), rivals: {}, beyond: { "4711": HOUR_MS, "5000": -HOUR_MS } };
  await world.stores.pools.replace({ ...pool, version: pool.version + 1, balance });
  world.github.queue({ createdAt: world.now() + 1_000 });
  world.github.queue({ repository: ITS, runId: 5, createdAt: world.now() + 2_000 });
  await world.deliver();
  expect((await balanceOf(world))?.rivals).toEqual({ "4711": 1, "5000": 1 });
});

test.each([
  ["more jobs than one pass may start", 66, undefined],
  ["more than the workers' limit", 2, 1],
] as const)("jobs larger than their tenant's quota, %s, are passed by", async (_what, jobs, maxWorkers) => {
  const world = createWorld({
    cards: 8,
    tenants: [{ ...ACME, maxCards: 2 }],
    ...(maxWorkers && { maxWorkers }),
  });
  for (let at = 0; at < jobs; at++) {
    world.github.queue({ labels: ["linux-aarch64-a2-4"], createdAt: world.now() + at });
  }
  await world.deliver();
  const small = world.github.queue({ labels: ["linux-aarch64-a2-1"], createdAt: world.now() + 10_000 });
  await world.deliver();
  expect((await jobOf(world, small.workflowJobId)).workerId).toBeDefined();
});
