// Drain: what idles ends, what runs goes on, nothing is given on; crashes and lost events make no difference.
import { describe, expect, test } from "vitest";
import { OPERATOR_DRAIN_MS } from "../../../shared/domain/deadlines.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import { readPauses } from "../../../shared/usecases/dispatch/pause-gate.ts";
import { drainPaused } from "../../../shared/usecases/operator-plane/drain-idle.ts";
import { pausePlace } from "../../../shared/usecases/operator-plane/pause-place.ts";
import { POOL } from "../../domain/builders.ts";
import {
  apiJobOf,
  apiTemplate,
  areOver,
  ENDPOINT_NAME,
  programWorld,
  submit,
} from "../../fakes/api-world.ts";
import { isQuiet, jobOf, jobsOf, play } from "../../fakes/play.ts";
import type { FuseMoment } from "../../fakes/stores/fuse.ts";
import type { Stream } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";
import { A2, completed, drain, HOUR_MS, operatorWorld, pause, queue, resume } from "./operator-world.ts";

const nobody = () => {};

/** It waits in its lane as on its first day. */
function expectBlameless({ state, workerId, hold, failedStarts, idleEnds = 0 }: Job): void {
  expect([state, workerId, hold, failedStarts, idleEnds]).toEqual(["IN_QUEUE", undefined, undefined, 0, 0]);
}

describe("workers of workflow jobs", () => {
  test("one that runs a job goes on to its end; nothing takes its place", async () => {
    const world = operatorWorld({ cards: 1, script: { jobMs: 600_000 } });
    const [running, waiting] = [queue(world, A2), queue(world, A2)];
    await play(world, { forMs: 120_000 });
    expect(await drain(world, { pool: POOL })).toEqual({
      type: "done",
      message: "pool a2 is draining: 0 workers without a job end, 1 go on to the end of theirs",
    });
    await play(world, { forMs: HOUR_MS });
    expect(completed(world, [running, waiting])).toHaveLength(1);
    expect([world.pool.started.length, world.pool.running()]).toEqual([1, []]);
    await resume(world, { pool: POOL });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect(world.pool.started).toHaveLength(2);
  });

  test("one that idles is asked, once GitHub has had its time; its job waits again and is blamed for nothing", async () => {
    const world = operatorWorld({ cards: 2 });
    const word = queue(world, A2);
    await play(world, { forMs: 120_000, assign: nobody });
    await drain(world, { endpoint: A2 });
    await play(world, { forMs: 120_000, assign: nobody });
    expect([world.pool.running(), world.github.runners.size]).toEqual([[], 0]);
    expectBlameless(await jobOf(world, word.workflowJobId));
    await resume(world, { endpoint: A2 });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect(world.faults).toEqual([]);
  });

  test("one that has just begun to listen keeps its job, should GitHub be giving it out", async () => {
    const world = operatorWorld();
    const word = queue(world, A2);
    await play(world, {
      forMs: 120_000,
      assign: nobody,
      stepMs: 5_000,
      until: async () => world.github.runners.size === 1 && world.workers[0]?.stage === "listening",
    });
    expect(await drain(world, { pool: POOL })).toMatchObject({
      message: expect.stringContaining("0 workers without a job end, 1 go on"),
    });
    expect(await play(world, { forMs: OPERATOR_DRAIN_MS, stepMs: 5_000, until: isQuiet })).toBe(false);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect(completed(world, [word])).toHaveLength(1);
    expect(world.pool.started).toHaveLength(1);
  });

  test("one without a registration ends at once, and its job waits for the next", async () => {
    const world = operatorWorld({ cards: 1, script: { jobMs: 60_000, mute: true } });
    const word = queue(world, A2);
    await world.deliver();
    expect(world.pool.running()).toHaveLength(1);
    expect(await drain(world, { tenant: "acme" })).toMatchObject({
      message: expect.stringContaining("is draining: 1 workers without a job end, 0 go on"),
    });
    await world.settle();
    expect(world.pool.running()).toEqual([]);
    expectBlameless(await jobOf(world, word.workflowJobId));
    world.script = { jobMs: 60_000, registration: "token" };
    await resume(world, { tenant: "acme" });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });

  test("what became idle later is ended by the reconciler, and nothing is given on to it", async () => {
    const world = operatorWorld({ cards: 1 });
    const [own, next] = [queue(world, A2), queue(world, A2)];
    await play(world, { forMs: 30_000, assign: nobody });
    await drain(world, { pool: POOL });
    world.github.change(own.workflowJobId, { status: "completed", conclusion: "cancelled" });
    await play(world, { forMs: 300_000, assign: nobody });
    expect([world.pool.running(), world.github.runners.size]).toEqual([[], 0]);
    expectBlameless(await jobOf(world, next.workflowJobId));
    expect(world.log.of("worker-given-on")).toEqual([]);
  });

  test("a drain of one tenant leaves the others' workers alone", async () => {
    const world = operatorWorld();
    queue(world, A2);
    queue(world, A2, { id: 4712, login: "globex", type: "Organization" });
    await play(world, { forMs: 120_000, assign: nobody });
    await drain(world, { tenant: "globex" });
    await play(world, { forMs: 120_000, assign: nobody });
    expect([...world.github.runners.values()].map(({ scope }) => scope)).toEqual([
      { type: "organization", org: "Acme" },
    ]);
  });
});

describe("programs", () => {
  test.each([["drain", drain] as const, ["pause", pause] as const])(
    "under a %s finish their job and are given no other",
    async (mode, order) => {
      const world = programWorld();
      const [first, second] = [await submit(world), await submit(world)];
      await world.settle();
      await play(world, { forMs: 30_000 });
      await order(world, { endpoint: ENDPOINT_NAME });
      await play(world, { forMs: 180_000 });
      const states = [(await apiJobOf(world, first)).state, (await apiJobOf(world, second)).state];
      expect(states).toEqual(["COMPLETED", "IN_QUEUE"]);
      expect(world.pool.running()).toHaveLength(mode === "drain" ? 0 : 1);
      await resume(world, { endpoint: ENDPOINT_NAME });
      expect(await play(world, { forMs: HOUR_MS, until: () => areOver(world, [first, second]) })).toBe(true);
      expect(world.faults).toEqual([]);
    },
  );

  test("that idle are not offered a new job while paused, and end at once when drained", async () => {
    const world = programWorld({ cards: 2 });
    const first = await submit(world);
    await world.settle();
    await play(world, { forMs: 300_000, until: async () => isTerminal(await apiJobOf(world, first)) });
    expect(world.pool.running()).toHaveLength(1);
    await pause(world, { pool: POOL });
    const second = await submit(world);
    await world.settle();
    await play(world, { forMs: 60_000 });
    expectBlameless(await apiJobOf(world, second));
    expect(world.pool.started).toHaveLength(1);
    await drain(world, { pool: POOL });
    await world.settle();
    expect(world.pool.running()).toEqual([]);
  });

  test("that were started before still take the job they were started for", async () => {
    const world = programWorld();
    const id = await submit(world);
    await world.settle();
    await drain(world, { pool: POOL });
    expect(await play(world, { forMs: HOUR_MS, until: () => areOver(world, [id]) })).toBe(true);
    expect(await apiJobOf(world, id)).toMatchObject({ state: "COMPLETED" });
  });
});

test("the runner of an API job is left to its own limits", async () => {
  const world = createWorld({ cards: 1, templates: [apiTemplate("runner")] });
  const id = await submit(world);
  await world.settle();
  await play(world, { forMs: 120_000, assign: nobody });
  expect(await drain(world, { pool: POOL })).toMatchObject({ message: expect.stringContaining("1 go on") });
  await play(world, { forMs: 60_000, assign: nobody });
  expect(await apiJobOf(world, id)).toMatchObject({ state: "IN_PROGRESS" });
  expect(world.pool.running()).toHaveLength(1);
});

/** A drain with workers in every state, then a resume; the process ends at one effect of either, and each order is given again. */
describe("the process ends at any effect of the orders", () => {
  test.each<Stream>(["volatile", "lost"])("%s", async (stream) => {
    const effects = await scene(stream, undefined);
    expect(effects).toBeGreaterThan(4);
    for (const moment of ["before", "after"] as const) {
      for (let n = 1; n <= effects; n++) await scene(stream, { n, moment });
    }
  });

  async function scene(
    stream: Stream,
    crash: { n: number; moment: FuseMoment } | undefined,
  ): Promise<number> {
    const world = operatorWorld({ cards: 2 });
    queue(world, A2);
    await play(world, { forMs: 60_000, assign: nobody });
    for (let n = 0; n < 2; n++) queue(world, A2);
    await world.deliver();
    world.stream = stream;
    const before = world.fuse.count;
    if (crash !== undefined) world.fuse.arm(before + crash.n, crash.moment);
    await again(() => drain(world, { pool: POOL }));
    const during = world.pool.started.length;
    await play(world, { forMs: 240_000, assign: nobody });
    expect([world.pool.started.length, world.pool.running()]).toEqual([during, []]);
    await again(() => resume(world, { pool: POOL }));
    const effects = world.fuse.count - before;
    expect((await readPauses(world.deps)).entries).toEqual({});
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    const jobs = await jobsOf(world);
    expect(jobs.map((job) => [job?.state, job?.failedStarts])).toEqual(jobs.map(() => ["COMPLETED", 0]));
    expect([world.faults, world.pool.overbooked]).toEqual([[], []]);
    return effects;

    async function again(order: () => Promise<unknown>): Promise<void> {
      try {
        await order();
      } catch (error) {
        if (!world.fuse.blown) throw error;
        world.restart();
        await order();
      }
      if (world.fuse.blown) world.restart();
      await world.settle();
    }
  }
});

test("one worker that cannot be drained does not keep the others", async () => {
  const world = operatorWorld({ script: { mute: true } });
  for (let n = 0; n < 3; n++) queue(world, A2);
  await world.deliver();
  const [bad] = world.pool.started;
  const { workers } = world.deps.stores;
  const failing = Object.assign(Object.create(workers), {
    get: async (id: string) => {
      if (id === bad?.workerId) throw new Error("the table does not answer");
      return workers.get(id as never);
    },
  });
  await pause(world, { pool: POOL });
  await drain(world, { tenant: "nobody" });
  const deps = { ...world.deps, stores: { ...world.deps.stores, workers: failing } };
  expect(await drainPaused(deps)).toEqual({ ended: 0, left: 0 });
  await resume(world, { pool: POOL });
  const order = { reason: "x", by: "admin" };
  await expect(pausePlace(deps, "drain", { pool: POOL }, order)).rejects.toThrow("1 of 3 workers");
  await world.settle();
  expect(world.pool.running()).toEqual([bad?.workerId]);
  expect(await drainPaused(world.deps)).toEqual({ ended: 1, left: 0 });
});
