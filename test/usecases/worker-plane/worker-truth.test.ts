// What a worker says, what its pool says, what GitHub says: ghosts, boots that never end, and jobs that GitHub forgot.
import { describe, expect, test } from "vitest";
import {
  DRAIN_MS,
  GHOST_CHECK_MS,
  GITHUB_QUEUE_MS,
  HEARTBEAT_LOST_MS,
} from "../../../shared/domain/deadlines.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { aTemplate, LIMITS } from "../../domain/builders.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const nothingAssigned = () => {};

async function oneJob(options: WorldOptions = {}, steps = 0) {
  const world = createWorld(options);
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  for (let n = 0; n < steps; n++) await world.step();
  return { world, id, first: world.pool.started[0]!.workerId };
}

async function completes(world: World, id: number): Promise<void> {
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
}

async function silently(world: World, minutes: number): Promise<void> {
  for (let n = 0; n < minutes; n++) {
    world.clock.advance(MINUTE_MS);
    await world.reconcile();
  }
}

describe("an idle runner whose registration GitHub has removed", () => {
  test("is asked to drain after three minutes, never stopped, and its job gets another", async () => {
    const { world, id, first } = await oneJob({}, 3);
    const { scope } = (await world.stores.workers.get(first))!;
    const caller = { owner: { login: "Acme", type: "Organization" }, installationId: 99 } as const;
    await world.github.deleteRunner(caller, scope, world.github.runners.get(first)!.id);
    await play(world, { forMs: GHOST_CHECK_MS + 2 * MINUTE_MS, assign: nothingAssigned });
    expect(world.log.of("worker-draining")).toMatchObject([{ worker: first, reason: "registration-gone" }]);
    expect(world.log.of("worker-finished")).toMatchObject([{ worker: first, reason: "idle" }]);
    expect((await jobOf(world, id)).state).toBe("IN_QUEUE");
    await completes(world, id);
    expect(world.pool.started).toHaveLength(2);
  });

  test("and that is mute besides is lost at its second look", async () => {
    const { world, id, first } = await oneJob({ script: { jobMs: MINUTE_MS } }, 4);
    world.github.runners.get(first)!.online = false;
    const { scope } = (await world.stores.workers.get(first))!;
    const caller = { owner: { login: "Acme", type: "Organization" }, installationId: 99 } as const;
    await world.github.deleteRunner(caller, scope, world.github.runners.get(first)!.id);
    const waitMs = GHOST_CHECK_MS + DRAIN_MS + HEARTBEAT_LOST_MS + 3 * MINUTE_MS;
    await silently(world, Math.ceil(waitMs / MINUTE_MS));
    expect(world.pool.running()).not.toContain(first);
    expect((await world.stores.workers.get(first))?.state).toBe("released");
    await completes(world, id);
  });

  test("while GitHub cannot be asked nothing is done", async () => {
    const { world, id, first } = await oneJob(
      { templates: [aTemplate({ limits: { ...LIMITS, idleMs: HOUR_MS } })] },
      4,
    );
    world.github.fail("rate-limited", { method: "findRunner" });
    await play(world, { forMs: 20 * MINUTE_MS, assign: nothingAssigned });
    expect(world.log.of("worker-draining")).toEqual([]);
    expect(world.github.calls.findRunner).toBeLessThanOrEqual(4);
    world.github.fail(undefined, { method: "findRunner" });
    expect(world.pool.running()).toEqual([first]);
    await completes(world, id);
  });
});

test("one whose registration is there waits for its idle limit; the question is asked ever more seldom", async () => {
  const { world, first } = await oneJob(
    { templates: [aTemplate({ limits: { ...LIMITS, idleMs: HOUR_MS } })] },
    4,
  );
  await play(world, { forMs: 55 * MINUTE_MS, assign: nothingAssigned });
  expect(world.pool.running()).toEqual([first]);
  expect(world.github.calls.findRunner).toBe(5);
});

test("a steady job never makes us ask for its runner before it ends", async () => {
  const { world, id } = await oneJob({ script: { jobMs: HOUR_MS } });
  await play(world, { forMs: 50 * MINUTE_MS });
  expect(world.github.calls.findRunner).toBe(0);
  await completes(world, id);
});

test("never boots: the job says so, with what the pool waits for and the container's last words", async () => {
  const { world, id, first } = await oneJob({ script: { mute: true } });
  world.pool.print(first, "pulling quay.io/ascend/cann: no space left on device");
  const { inspect } = world.pool;
  world.pool.inspect = async (worker) => ({ ...(await inspect(worker)), waits: "for its image" }) as never;
  await play(world, {
    forMs: LIMITS.bootMs + 3 * MINUTE_MS,
    until: async () => (await jobOf(world, id)).failedStarts === 1,
  });
  const { hold } = await jobOf(world, id);
  expect(hold?.message).toContain("did not boot in time; it waits: for its image");
  expect(hold?.message).toContain("no space left on device");
  expect(hold?.message).toContain("900s");
});

test("never boots, and its log cannot be read: it is given up all the same, and its job is tried again", async () => {
  const { world, id, first } = await oneJob({ script: { mute: true } });
  world.pool.logsTail = async () => Promise.reject(new Error("the node is away: EOF"));
  world.pool.inspect = async () => ({ type: "running", waits: "for a node" }) as const;
  await play(world, {
    forMs: LIMITS.bootMs + 3 * MINUTE_MS,
    until: async () => (await jobOf(world, id)).failedStarts === 1,
  });
  expect((await jobOf(world, id)).hold?.message).toContain("it waits: for a node");
  expect((await world.stores.workers.get(first))?.state).toBe("released");
  expect(world.log.of("last-words-not-read")).toHaveLength(1);
});

describe("wedged: its container runs and it never pings again", () => {
  test("before its runner was registered: stopped after its time to prepare, and its job is tried again", async () => {
    const { world, id, first } = await oneJob({}, 1);
    await silently(world, 10);
    expect((await world.stores.workers.get(first))?.state).toBe("released");
    expect(world.log.of("worker-ended")[0]?.message).toContain(
      "fell silent before its runner was registered",
    );
    await completes(world, id);
  });

  test("while its runner is registered: it may run a job, and is not stopped before its limit", async () => {
    const { world, first } = await oneJob({}, 4);
    await silently(world, 60);
    expect(world.pool.running()).toContain(first);
    expect(world.pool.stops.filter(({ workerId }) => workerId === first)).toEqual([]);
  });
});

describe("a job that GitHub does not know any more", () => {
  async function forgotten(options: WorldOptions = {}) {
    const { world, id, first } = await oneJob(options, 4);
    world.github.fail("not-found");
    world.pool.crash(first);
    world.github.runners.get(first)!.online = false;
    return { world, id, first };
  }

  test("is asked about ever more seldom, starts no worker, holds no card, and ends after a day", async () => {
    const { world, id } = await forgotten();
    await silently(world, 60);
    expect(await jobOf(world, id)).toMatchObject({
      state: "IN_QUEUE",
      hold: { reason: "unknown-to-github" },
    });
    expect(usedCards((await poolOf(world))!)).toBe(0);
    expect(world.github.calls.workflowJob).toBeLessThan(9);
    for (let hour = 0; hour < 26; hour++) {
      world.clock.advance(HOUR_MS);
      await world.reconcile();
    }
    expect(await jobOf(world, id)).toMatchObject({ state: "TIMED_OUT", end: { reason: "queue-timeout" } });
    expect(world.pool.started).toHaveLength(1);
    expect(world.github.calls.workflowJob).toBeLessThan(40);
  });

  test("and is known again waits again", async () => {
    const { world, id } = await forgotten();
    await silently(world, 10);
    world.github.fail(undefined);
    await completes(world, id);
    expect((await jobOf(world, id)).unknownSince).toBeUndefined();
  });
});

test("held for a day without a registration: GitHub is asked before the next start", async () => {
  const world = createWorld({ script: { failsWith: "registration-refused" } });
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  await play(world, { forMs: 5 * MINUTE_MS });
  expect((await jobOf(world, id)).hold).toMatchObject({ reason: "registration-refused" });
  const starts = world.pool.started.length;
  // GitHub cancelled it meanwhile, and never said so.
  world.github.hook.emits = () => false;
  world.github.change(id, { status: "completed", conclusion: "cancelled" });
  world.clock.advance(GITHUB_QUEUE_MS);
  await silently(world, 3);
  expect(await jobOf(world, id)).toMatchObject({ state: "CANCELLED" });
  expect(world.pool.started).toHaveLength(starts);
});

test("GitHub has no calls left at a worker's end: its cards are free, its registration goes later", async () => {
  const { world, first } = await oneJob({ cards: 1 }, 4);
  world.github.fail("rate-limited", { retryAfterMs: 30 * MINUTE_MS });
  world.pool.crash(first);
  await silently(world, 2);
  expect(usedCards((await poolOf(world))!)).toBe(0);
  await silently(world, 20);
  // Asked again when GitHub said, not each minute.
  expect(world.github.calls.findRunner).toBe(1);
  world.github.fail(undefined);
  await silently(world, 12);
  expect(world.github.runners.has(first)).toBe(false);
});

test("a job that GitHub took back from a runner that did not pick it up is given a new worker", async () => {
  const { world, id, first } = await oneJob({}, 4);
  // GitHub names the runner, which never prints "Running job"; a minute later the job is in GitHub's queue again.
  world.github.assign(first, id);
  await world.deliver();
  world.pool.crash(first);
  Object.assign(world.github.runners.get(first)!, { job: undefined, online: false });
  world.github.change(id, { status: "queued", runner: undefined, startedAt: undefined });
  world.github.takeOutbox();
  await completes(world, id);
  expect(world.pool.started).toHaveLength(2);
});
