// Containers without a record, records without a container, registrations without a worker: seen twice, then cleaned up.
import { describe, expect, test } from "vitest";
import { REGISTRATIONS_ROUND_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { aWorkerId, OWNER, TENANT } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SCOPE = { type: "organization", org: OWNER.login } as const;

function aSpec(id: WorkerId): StartSpec {
  return {
    workerId: id,
    endpoint: "linux-aarch64-a2-1",
    tenant: TENANT,
    cards: 1,
    slots: [],
    image: undefined,
    command: undefined,
    env: {},
    limitMs: 24 * HOUR_MS,
  };
}

/** A container that no record knows of, whose worker never makes a call. */
async function stray(world: World, name = "npud-t3st00-stray0000001"): Promise<WorkerId> {
  const before = world.script;
  world.script = { ...before, mute: true };
  const id = aWorkerId(name);
  await world.pool.start(aSpec(id));
  world.script = before;
  return id;
}

async function passes(world: World, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    world.clock.advance(MINUTE_MS);
    await world.reconcile();
  }
}

/** One worker that runs a job, so that its owner and its repository are known. */
async function busyWorld(
  options: WorldOptions = {},
): Promise<{ world: World; id: number; worker: WorkerId }> {
  const world = createWorld({ script: { jobMs: 3 * HOUR_MS }, ...options });
  const { workflowJobId: id } = world.github.queue();
  await play(world, { forMs: 3 * MINUTE_MS });
  return { world, id, worker: (await jobOf(world, id)).workerId as WorkerId };
}

describe("a container without a record", () => {
  test("is stopped after its second sight, a minute later, with a log line", async () => {
    const { world, worker } = await busyWorld();
    const id = await stray(world);
    await passes(world, 1);
    expect(world.pool.running()).toContain(id);
    await passes(world, 1);
    expect(world.pool.running()).toEqual([worker]);
    expect(world.log.of("orphan-stopped")).toMatchObject([{ worker: id, reason: "no record of it" }]);
    expect(world.faults).toEqual([]);
  });

  test("is deregistered first, and left alone while GitHub counts a job on it", async () => {
    const { world } = await busyWorld();
    const id = await stray(world);
    const { token } = await world.github.registrationToken(
      { owner: OWNER, installationId: undefined },
      SCOPE,
    );
    world.github.register(token, { name: id, labels: ["linux-aarch64-a2-1"] });
    world.github.connect(id);
    const other = world.github.queue({ labels: ["linux-aarch64-a2-1"] }).workflowJobId;
    world.github.takeOutbox();
    world.github.assign(id, other);
    await passes(world, 5);
    expect(world.pool.running()).toContain(id);
    expect(world.log.of("orphan-left").length).toBeGreaterThan(0);
    world.github.complete(other);
    await passes(world, 2);
    expect(world.pool.running()).not.toContain(id);
  });

  test("its registration goes before the container does", async () => {
    const { world } = await busyWorld();
    const id = await stray(world);
    const { token } = await world.github.registrationToken(
      { owner: OWNER, installationId: undefined },
      SCOPE,
    );
    world.github.register(token, { name: id, labels: [] });
    await passes(world, 2);
    expect(world.github.runners.has(id)).toBe(false);
    expect(world.pool.running()).not.toContain(id);
  });

  test("of another deployment is none of our business", async () => {
    const { world } = await busyWorld();
    const id = await stray(world, "npud-0th3rs-stray0000001");
    await passes(world, 5);
    expect(world.pool.running()).toContain(id);
  });

  test("that has ended by itself is removed", async () => {
    const { world } = await busyWorld();
    const id = await stray(world);
    world.pool.crash(id);
    await passes(world, 2);
    expect(await world.pool.list()).not.toContain(id);
  });

  test("of a released worker, come back after its stop, is stopped too", async () => {
    const { world, id, worker } = await busyWorld({ script: { jobMs: MINUTE_MS } });
    await play(world, { forMs: HOUR_MS, until: isQuiet });
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
    await stray(world, worker);
    await passes(world, 3);
    expect(world.pool.running()).toEqual([]);
    expect(world.log.of("orphan-stopped")).toMatchObject([{ worker, reason: "its worker was released" }]);
  });
});

test("a record without a container is due by itself: its job is tried again", async () => {
  const world = createWorld();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  const first = world.pool.started[0]!.workerId;
  await world.step();
  await world.step();
  world.pool.vanish(first);
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect(await world.stores.workers.get(first)).toMatchObject({ state: "released" });
});

describe("a runner registration", () => {
  async function registered(world: World, name: string): Promise<void> {
    const { token } = await world.github.registrationToken(
      { owner: OWNER, installationId: undefined },
      SCOPE,
    );
    world.github.register(token, { name, labels: ["linux-aarch64-a2-1"] });
  }

  const ROUND = REGISTRATIONS_ROUND_MS / MINUTE_MS;

  test("without a live worker is removed after its second sight; those of others and of live workers are not", async () => {
    const { world, worker } = await busyWorld();
    const [ours, others, foreign] = [
      "npud-t3st00-gone0000001",
      "npud-0th3rs-gone0000001",
      "buildkite-7",
    ] as const;
    for (const name of [ours, others, foreign]) await registered(world, name);
    await passes(world, ROUND + 1);
    expect(world.github.runners.has(ours)).toBe(true);
    await passes(world, ROUND + 1);
    expect(new Set(world.github.runners.keys())).toEqual(new Set([others, foreign, worker]));
    expect(world.log.of("orphan-deregistered")).toMatchObject([{ worker: ours }]);
  });

  test("that GitHub counts a job on is left alone", async () => {
    const { world } = await busyWorld();
    const name = "npud-t3st00-gone0000001";
    await registered(world, name);
    world.github.connect(name);
    const job = world.github.queue({ labels: ["linux-aarch64-a2-1"] }).workflowJobId;
    world.github.takeOutbox();
    world.github.assign(name, job);
    world.github.takeOutbox();
    await passes(world, 3 * ROUND);
    expect(world.github.runners.has(name)).toBe(true);
  });

  test("all owners are listed once in ten minutes, five in a pass, whatever the passes", async () => {
    const world = createWorld();
    for (let n = 0; n < 12; n++) {
      const owner = { ...OWNER, id: n, login: `org-${n}` };
      const repository = { id: n, owner, name: "x", installationId: n, lastJobAt: world.now() };
      await world.stores.repositories.saw(repository);
    }
    await passes(world, 1);
    expect(world.github.calls.listRunners).toBe(5);
    await passes(world, 2);
    expect(world.github.calls.listRunners).toBe(12);
    for (let n = 0; n < 6 * ROUND; n++) {
      world.clock.advance(10_000);
      await world.reconcile();
    }
    expect(world.github.calls.listRunners).toBeLessThanOrEqual(24);
    expect(world.faults).toEqual([]);
  });

  test("one owner that GitHub refuses keeps no other waiting", async () => {
    const { world } = await busyWorld();
    world.github.fail("not-found", { method: "listRunners" });
    await passes(world, ROUND + 2);
    expect(world.log.of("runners-not-listed").length).toBeGreaterThan(0);
    expect(world.faults).toEqual([]);
  });
});
