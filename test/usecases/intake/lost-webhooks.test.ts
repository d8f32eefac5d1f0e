// An hour, or three days, of which we heard nothing: everything is found and done, and GitHub is not asked more than is
// fair.
import { describe, expect, test } from "vitest";
import { MAX_ASKS } from "../../../shared/domain/upkeep/lost-deliveries.ts";
import { findUnheardJobs } from "../../../shared/usecases/intake/find-unheard-jobs.ts";
import { recoverDeliveries } from "../../../shared/usecases/intake/recover-deliveries.ts";
import { REPOSITORY } from "../../domain/builders.ts";
import { isQuiet, jobOf, jobsOf, play } from "../../fakes/play.ts";
import type { FuseMoment } from "../../fakes/stores/fuse.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";
import type { OpenJobsCalls } from "./lost-world.ts";
import {
  expectAllDone,
  HOUR_MS,
  MINUTE_MS,
  print,
  queueIn,
  remember,
  SHARE_OF_LIMIT,
  watchOpenJobs,
} from "./lost-world.ts";

const JOBS = 200;
const REPOSITORIES = Array.from({ length: 5 }, (_, n) => ({
  ...REPOSITORY,
  id: 81 + n,
  name: `kernels-${n}`,
}));
const STEP_MS = 20_000;

describe("an hour without webhooks, 200 jobs", () => {
  test("as failed deliveries", async () => {
    const world = createWorld({ cards: 64 });
    const calls = watchOpenJobs(world);
    const startedAt = world.now();
    // Only what is delivered again can help.
    world.github.fail("not-found", { method: "openJobs" });
    world.post = () => [];
    await anHourOfJobs(world);
    world.post = (words) => words;
    await expectAllDone(world);
    expect(world.github.hook.deliveryLog.filter(({ ok }) => !ok).length).toBeGreaterThan(JOBS);
    expect((await jobsOf(world)).filter((job) => job === undefined)).toEqual([]);
    expect(Math.max(...triesOf(world))).toBeLessThanOrEqual(1 + MAX_ASKS);
    expectFairShare(world, calls, startedAt);
  });

  test("as events that were never emitted: queued, in_progress and completed alike", async () => {
    const world = createWorld({ cards: 64 });
    for (const repository of REPOSITORIES) queueIn(world, repository);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    const calls = watchOpenJobs(world);
    const startedAt = world.now();
    world.github.hook.emits = () => false;
    const heard = world.github.hook.deliveryLog.length;
    await anHourOfJobs(world);
    await expectAllDone(world);
    expect(world.github.hook.deliveryLog).toHaveLength(heard);
    expectFairShare(world, calls, startedAt);
  });
});

test("after an outage of ours of three days all that GitHub still has is found", async () => {
  const world = createWorld({ cards: 64 });
  await recoverDeliveries(world.deps);
  // GitHub has forgotten a delivery after 72 hours.
  for (let hour = 0; hour < 71; hour++) {
    for (let n = 0; n < 3; n++) queueIn(world, REPOSITORY);
    cancelAfterADay(world);
    world.github.takeOutbox();
    world.clock.advance(HOUR_MS);
  }
  await expectAllDone(world);
  const states = (await jobsOf(world)).map((job) => job?.state);
  expect(states.filter((state) => state === "CANCELLED").length).toBeGreaterThan(100);
  expect(states.filter((state) => state === "COMPLETED").length).toBeGreaterThan(70);
});

describe("the process ends at any effect", () => {
  test.each(["before", "after"] as const)("%s it, of either, and nothing is lost", async (moment) => {
    const effects = await crashAt(0, moment);
    expect(effects).toBeGreaterThan(8);
    for (let n = 1; n <= effects; n++) await crashAt(n, moment);
  });
});

/** One job as a failed delivery, one never emitted; answers the effects that it took to hear of both. */
async function crashAt(n: number, moment: FuseMoment): Promise<number> {
  const world = createWorld();
  await remember(world, REPOSITORY);
  const lost = queueIn(world, REPOSITORY);
  world.github.takeOutbox();
  world.github.hook.emits = () => false;
  const silent = queueIn(world, { ...REPOSITORY });
  world.github.hook.emits = () => true;
  world.fuse.arm(n, moment);
  for (let minute = 0; minute < 25; minute++) {
    try {
      await recoverDeliveries(world.deps);
      await findUnheardJobs(world.deps);
    } catch (error) {
      if (!world.fuse.blown) throw error;
      world.restart();
    }
    await world.deliver();
    world.clock.advance(MINUTE_MS);
  }
  for (const { workflowJobId } of [lost, silent]) {
    expect(await jobOf(world, workflowJobId), `effect ${n}`).toBeDefined();
  }
  return world.fuse.count;
}

async function anHourOfJobs(world: World): Promise<void> {
  const steps = HOUR_MS / STEP_MS;
  const from = world.github.jobs.size;
  let step = 0;
  await play(world, {
    forMs: HOUR_MS,
    stepMs: STEP_MS,
    eachStep: () => {
      step++;
      while (world.github.jobs.size - from < (JOBS * step) / steps) {
        const repository = REPOSITORIES[world.github.jobs.size % REPOSITORIES.length] ?? REPOSITORY;
        queueIn(world, repository);
      }
    },
  });
  expect(world.github.jobs.size - from).toBe(JOBS);
}

/** GitHub cancels what no runner took in a day. */
function cancelAfterADay({ github, now }: World): void {
  for (const { workflowJobId, createdAt, status } of github.jobs.values()) {
    if (status !== "queued" || now() - createdAt < 24 * HOUR_MS) continue;
    github.change(workflowJobId, { status: "completed", conclusion: "cancelled" });
  }
}

/** How often GitHub tried to deliver each event. */
function triesOf({ github }: World): number[] {
  const tries = Map.groupBy(github.hook.deliveryLog, ({ guid }) => guid);
  return [...tries.values()].map(({ length }) => length);
}

/** Prints what each kind of call was made for, and holds what the search took against its share. */
function expectFairShare(world: World, openJobs: OpenJobsCalls, sinceAt: number): void {
  const hours = (world.now() - sinceAt) / HOUR_MS;
  const spent = { ...world.github.calls, openJobs: openJobs.http() };
  print(`${JOBS} jobs in ${hours.toFixed(1)} h, calls: ${JSON.stringify(spent)}`);
  expect(spent.deliveries + spent.redeliver).toBeLessThanOrEqual(SHARE_OF_LIMIT * hours);
  expect(spent.openJobs).toBeLessThanOrEqual(SHARE_OF_LIMIT * hours);
}
