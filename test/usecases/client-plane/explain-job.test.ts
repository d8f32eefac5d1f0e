// What a job is told of why it waits, in a world that goes on: each phase once, with few reads.
import { describe, expect, test } from "vitest";
import { MAX_AHEAD } from "../../../shared/domain/waiting/wait-view.ts";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { POOL, T0 } from "../../domain/builders.ts";
import type { PlayOptions } from "../../fakes/play.ts";
import { jobOf, play } from "../../fakes/play.ts";
import type { WorldOptions } from "../../fakes/world.ts";
import { ACME, createWorld, type World } from "../../fakes/world.ts";

async function explain(world: World, id: number) {
  return explainJob(world.deps, await jobOf(world, id), "Acme");
}

/** A world whose cards are all held by `jobs` earlier jobs. */
async function full(options: WorldOptions = {}, jobs = 8): Promise<World> {
  const world = createWorld({ script: { jobMs: 3_600_000 }, ...options });
  for (let index = 0; index < jobs; index++) world.github.queue({ createdAt: T0 - 1_000 + index });
  await world.deliver();
  return world;
}

test("a job goes through its phases, and says so at each step", async () => {
  const world = createWorld({ script: { jobMs: 60_000 } });
  const { workflowJobId: id } = world.github.queue();
  const seen: string[] = [];
  const note = async () => {
    const { phase, whyWaiting } = await explain(world, id);
    const said = `${phase} ${whyWaiting?.code ?? "-"}`;
    if (seen.at(-1) !== said) seen.push(said);
  };
  await play(world, { forMs: 300_000, stepMs: 5_000, eachStep: note } satisfies PlayOptions);
  expect(seen).toEqual(["preflight preflight", "registering registering", "running -", "done -"]);
});

describe("in the queue", () => {
  test("about when it starts, once a worker of the pool has ended", async () => {
    const world = createWorld({ script: { jobMs: 600_000 } });
    const jobs = Array.from({ length: 48 }, (_, at) => world.github.queue({ createdAt: T0 - 1_000 + at }));
    await world.deliver();
    const last = jobs.at(-1)?.workflowJobId ?? 0;
    expect((await explain(world, last)).whyWaiting).not.toHaveProperty("expectedAt");
    await play(world, { forMs: 1_500_000, stepMs: 10_000 });
    const { whyWaiting } = await explain(world, last);
    expect(whyWaiting?.message).toMatch(/At the pace of late it starts in about \d+ minutes\.$/);
    const expectedMs = (whyWaiting?.expectedAt ?? 0) - world.clock.now();
    const asked = world.clock.now();
    await play(world, { forMs: 3_600_000, stepMs: 10_000 });
    const { phases } = await jobOf(world, last);
    expect(expectedMs / ((phases.starting ?? 0) - asked)).toBeCloseTo(1, 0);
  });

  test("the place in the line, what is needed and what is free", async () => {
    const world = await full();
    const ids = [1, 2, 3].map(() => world.github.queue().workflowJobId);
    await world.deliver();
    expect((await explain(world, ids[2] as number)).whyWaiting).toMatchObject({
      code: "no-free-cards",
      place: 3,
      ahead: 2,
      cards: { needed: 1, free: 0, total: 8 },
    });
  });

  test("behind more than a hundred: no more than that is counted or read", async () => {
    const world = await full();
    const last = Array.from({ length: MAX_AHEAD + 20 }, (_, at) =>
      world.github.queue({ createdAt: T0 + at }),
    ).at(-1);
    await world.deliver();
    const { whyWaiting } = await explain(world, last?.workflowJobId ?? 0);
    expect(whyWaiting).toMatchObject({ ahead: MAX_AHEAD, message: expect.stringContaining("more than 100") });
    expect(whyWaiting).not.toHaveProperty("place");
  });

  test("a tenant that nobody has approved, one that GitHub suspended", async () => {
    const world = createWorld({ tenants: [] });
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    expect((await explain(world, id)).whyWaiting).toMatchObject({ code: "tenant-pending" });
    const { tenant } = await jobOf(world, id);
    const stored = await world.stores.tenants.get(tenant);
    if (stored === undefined) throw new Error("dispatch makes a tenant known");
    await world.stores.tenants.replace({ ...stored, version: stored.version + 1, state: "suspended" });
    expect((await explain(world, id)).whyWaiting).toMatchObject({ code: "tenant-suspended" });
  });

  test("a quota that the tenant's other jobs use up", async () => {
    const world = await full({ tenants: [{ ...ACME, maxCards: 2 }] }, 2);
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    expect((await explain(world, id)).whyWaiting).toMatchObject({ code: "quota-reached", place: 1 });
  });

  test("a job that no pool of this size can run", async () => {
    const world = createWorld({ cards: 2 });
    const { workflowJobId: id } = world.github.queue({ labels: ["linux-aarch64-a2-4"] });
    await world.deliver();
    expect((await explain(world, id)).whyWaiting).toMatchObject({ code: "larger-than-pool" });
  });

  test("a job that fits on no machine in service, and on one that is cordoned", async () => {
    const world = createWorld({ cards: 4 });
    Object.assign(world.pool, { capabilities: { ...world.pool.capabilities, nodes: true } });
    world.pool.capacity = async () => ({
      total: 8,
      simulated: false,
      // The first has what a worker still holds there.
      nodes: [
        { name: "node-1", total: 4, free: 0 },
        { name: "node-2", total: 4, free: 4 },
      ],
      resting: [{ name: "node-1", cards: 8 }],
    });
    const { workflowJobId: id } = world.github.queue({ labels: ["linux-aarch64-a2-8"] });
    await world.deliver();
    expect((await explain(world, id)).whyWaiting).toMatchObject({
      code: "pool-unavailable",
      message: expect.stringContaining("node-1, where it fits, is cordoned or not ready"),
    });
  });

  test("a pool that is away, in its own words and until when", async () => {
    const world = createWorld();
    world.pool.unavailable("the node is rebooting", 40_000);
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    expect((await explain(world, id)).whyWaiting).toMatchObject({
      code: "pool-unavailable",
      message: expect.stringContaining("the node is rebooting"),
      until: world.now() + 40_000,
    });
  });
});

describe("a container that has not started", () => {
  const booting = async (inspect: World["pool"]["inspect"]) => {
    const world = createWorld();
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    const settings = world.deps.pools.get(POOL);
    if (settings === undefined) throw new Error("the world has a pool");
    const driver = { ...settings.driver, inspect };
    const deps = { ...world.deps, pools: new Map([[POOL, { ...settings, driver }]]) };
    return explainJob(deps, await jobOf(world, id), "Acme");
  };

  test.each([
    ["image", "image-pull"],
    ["node", "pool-waits"],
    ["quota", "pool-waits"],
    [undefined, "pool-waits"],
  ] as const)("for its %s, in the pool's words: %s", async (waitsFor, code) => {
    const waits = "no such tag of the image";
    const { whyWaiting } = await booting(async () => ({ type: "running", waits, waitsFor }));
    expect(whyWaiting).toMatchObject({ code, message: expect.stringContaining(waits) });
  });

  test("of a pool that does not answer: by the worker's phase alone", async () => {
    const { phase, whyWaiting } = await booting(() => Promise.reject(new Error("connection refused")));
    expect([phase, whyWaiting?.code]).toEqual(["booting", "booting"]);
  });
});

test("a held job costs no read", async () => {
  const world = createWorld({ script: { failsWith: "runner-too-old" } });
  const { workflowJobId: id } = world.github.queue();
  await play(world, { forMs: 60_000 });
  const held = await jobOf(world, id);
  expect(held.hold?.reason).toBe("start-failed");
  const blind = { ...world.deps, stores: new Proxy(world.deps.stores, { get: () => expect.unreachable() }) };
  expect((await explainJob(blind, held, "Acme")).whyWaiting).toMatchObject({ code: "start-failed" });
});
