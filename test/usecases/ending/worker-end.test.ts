// How workers end, by their own word or by the clock, and what that means for their jobs.
import { describe, expect, test } from "vitest";
import type { WorkerOutcome } from "../../../shared/domain/worker-report.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import { aReport, aTemplate, LIMITS } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function oneJob(options: WorldOptions = {}) {
  const world = createWorld(options);
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  return { world, id, first: world.pool.started[0]!.workerId };
}

/** Nobody gives any job to any runner. */
const nothingAssigned = () => {};

async function completes(world: World, id: number): Promise<void> {
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
}

describe("failed starts", () => {
  const transient: WorkerOutcome[] = ["preflight-failed", "config-failed", "runner-failed", "cancelled"];

  test.each(transient)("%s: three fast tries, then held with the reason, then slowly", async (failsWith) => {
    const { world, id } = await oneJob({ script: { failsWith } });
    await play(world, { forMs: 6 * MINUTE_MS });
    const held = await jobOf(world, id);
    expect(held).toMatchObject({ state: "IN_QUEUE", failedStarts: 3, hold: { reason: "start-failed" } });
    expect(world.pool.started).toHaveLength(3);
    expect(held.hold!.until! - held.phases.held!).toBe(10 * MINUTE_MS);
    await play(world, { forMs: HOUR_MS });
    expect(world.pool.started.length).toBeGreaterThan(5);
    expect(world.pool.started.length).toBeLessThan(10);
    world.script = { ...world.script, failsWith: undefined };
    await completes(world, id);
  });

  test.each(["runner-too-old", "no-runner"] as const)(
    "%s is held at once: the same image will meet it again",
    async (failsWith) => {
      const { world, id } = await oneJob({ script: { failsWith } });
      await play(world, { forMs: MINUTE_MS });
      expect(await jobOf(world, id)).toMatchObject({ failedStarts: 1, hold: { reason: "start-failed" } });
      world.script = { ...world.script, failsWith: undefined };
      await completes(world, id);
    },
  );

  test("the cards are free while it is held", async () => {
    const world = createWorld({ cards: 1, script: { failsWith: "preflight-failed" } });
    world.github.queue();
    await world.deliver();
    await play(world, { forMs: 40_000, until: async () => world.pool.running().length === 0 });
    world.script = { ...world.script, failsWith: undefined };
    const other = world.github.queue().workflowJobId;
    await completes(world, other);
  });
});

test("a report counts once, the first one", async () => {
  const { world, first } = await oneJob();
  world.stream = "lost";
  await finishWorker(world.deps, first, aReport({ outcome: "preflight-failed", message: "first" }));
  await finishWorker(world.deps, first, aReport({ outcome: "ran", message: "second" }));
  expect((await world.stores.workers.get(first))?.report).toMatchObject({ message: "first" });
});

test("a report of half a megabyte is kept in part, not refused", async () => {
  const { world, first } = await oneJob();
  await finishWorker(
    world.deps,
    first,
    aReport({ message: "x".repeat(500_000), jobName: "j".repeat(500_000) }),
  );
  const { state, report } = (await world.stores.workers.get(first))!;
  expect(state).toMatch(/finished|released/);
  expect(report?.message).toMatch(/^x{4000}… \(500000 characters\)$/);
  expect(report?.jobName).toMatch(/^j{4000}… \(500000 characters\)$/);
});

test("ran, but completed never came: one GET ends the job", async () => {
  const { world, id } = await oneJob();
  world.post = (words) => words.filter((word) => word.status !== "completed");
  await completes(world, id);
  expect(world.github.calls.workflowJob).toBe(1);
});

test("ran, in_progress and completed lost: one GET ends the job", async () => {
  const { world, id } = await oneJob();
  world.post = () => [];
  await completes(world, id);
  expect(world.github.calls.workflowJob).toBe(1);
});

test("GitHub cannot be asked: the job is neither ended nor started again, and is asked about later", async () => {
  const { world, id } = await oneJob();
  world.post = () => [];
  world.github.fail("unavailable", { method: "workflowJob" });
  await play(world, { forMs: 15 * MINUTE_MS });
  expect((await jobOf(world, id)).state).not.toBe("COMPLETED");
  expect(world.pool.started).toHaveLength(1);
  expect(world.github.calls.workflowJob).toBeLessThan(16);
  world.github.fail(undefined, { method: "workflowJob" });
  await completes(world, id);
});

describe("idle", () => {
  test("a runner that gets nothing is asked to drain after its idle limit, and the job backs off", async () => {
    const { world, id, first } = await oneJob();
    await play(world, { forMs: LIMITS.idleMs + 90_000, assign: nothingAssigned });
    expect(world.log.of("worker-draining")).toMatchObject([{ worker: first, reason: "idle" }]);
    // It ends by itself: its container is cleaned up after that.
    const { done = Number.POSITIVE_INFINITY } = (await world.stores.workers.get(first))!.phases;
    expect(world.pool.stops.filter((stop) => stop.at < done)).toEqual([]);
    await play(world, {
      forMs: 2 * MINUTE_MS,
      assign: nothingAssigned,
      until: async () => (await jobOf(world, id)).starts === 2,
    });
    const job = await jobOf(world, id);
    expect(job.failedStarts).toBe(0);
    expect(world.github.calls.workflowJob).toBe(1);
    await completes(world, id);
  });

  test("a worker that was asked to drain and is given a job refuses: it is not stopped", async () => {
    const { world, id, first } = await oneJob({ script: { jobMs: 20 * MINUTE_MS } });
    await play(world, { forMs: LIMITS.idleMs - 20_000, assign: nothingAssigned });
    world.github.assign(first, id);
    world.post = () => [];
    await play(world, { forMs: 10 * MINUTE_MS });
    expect(world.pool.running()).toEqual([first]);
    world.post = (words) => words;
    await completes(world, id);
    expect(world.pool.started).toHaveLength(1);
  });
});

test("never boots: stopped after the boot limit and started anew", async () => {
  const { world, id, first } = await oneJob({ script: { mute: true } });
  await play(world, { forMs: LIMITS.bootMs - MINUTE_MS });
  expect(world.pool.running()).toEqual([first]);
  world.script = { ...world.script, mute: false };
  await completes(world, id);
  expect(world.log.of("worker-ended")[0]).toMatchObject({ worker: first, message: "did not boot in time" });
  expect(world.pool.started).toHaveLength(2);
});

test("silent, but the pool still runs it: it is never stopped before its limit", async () => {
  const { world, id, first } = await oneJob({
    templates: [aTemplate({ limits: { ...LIMITS, executionMs: 2 * HOUR_MS } })],
    script: { jobMs: 5 * HOUR_MS },
  });
  await play(world, { forMs: 2 * MINUTE_MS });
  expect((await jobOf(world, id)).state).toBe("IN_PROGRESS");
  for (let minute = 0; minute < 110; minute++) {
    world.clock.advance(MINUTE_MS);
    await world.reconcile();
  }
  expect(world.pool.running()).toEqual([first]);
  expect(world.pool.stops).toEqual([]);
  for (let minute = 0; minute < 15; minute++) {
    world.clock.advance(MINUTE_MS);
    await world.reconcile();
  }
  expect(world.log.of("worker-stopped")).toMatchObject([{ worker: first, reason: "execution-timeout" }]);
  expect(world.pool.running()).toEqual([]);
});

describe("pings", () => {
  test("write at most twice a minute, and never wake the dispatcher", async () => {
    const { world, first } = await oneJob({ script: { jobMs: HOUR_MS } });
    await play(world, { forMs: 2 * MINUTE_MS });
    const before = world.fuse.count;
    for (let n = 0; n < 60; n++) {
      world.clock.advance(10_000);
      await recordPing(world.deps, first, { phase: "running", jobName: undefined });
    }
    expect(world.fuse.count - before).toBe(20);
  });

  test("of a worker unknown to us are answered", async () => {
    const { world, first } = await oneJob();
    const stranger = first.replace(/....$/, "none") as typeof first;
    expect(await recordPing(world.deps, stranger, { phase: "running", jobName: undefined })).toBeUndefined();
  });

  test("phases never go back", async () => {
    const { world, first } = await oneJob();
    await takeJob(world.deps, first, "boot-1");
    for (const phase of ["running", "listening", "preflight"] as const) {
      await recordPing(world.deps, first, { phase, jobName: "build" });
    }
    expect(await world.stores.workers.get(first)).toMatchObject({
      state: "running",
      runningJobName: "build",
    });
  });
});
