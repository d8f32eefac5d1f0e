// One question to GitHub at a time, asked no oftener than it may be; an answer that comes too late changes nothing.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { Deps } from "../../../shared/usecases/deps.ts";
import { endWorker } from "../../../shared/usecases/ending/end-worker.ts";
import { askGithub } from "../../../shared/usecases/ending/settle-job.ts";
import { handleChange } from "../../../shared/usecases/handle-change.ts";
import { lookAtJob } from "../../../shared/usecases/reconcile/look-at-job.ts";
import { jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** GitHub looks at once, and answers when `answer` is called: the first question first. */
function slowGithub(world: World) {
  const waiting: (() => void)[] = [];
  const github: Deps["github"] = {
    ...world.deps.github,
    async workflowJob(...asked) {
      const word = await world.deps.github.workflowJob(...asked);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return word;
    },
  };
  return { deps: { ...world.deps, github }, asked: () => waiting.length, answer: () => waiting.shift()?.() };
}

async function turns(): Promise<void> {
  for (let n = 0; n < 100; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** Registered and gone: only GitHub can tell what has become of its job. */
async function lostWorker() {
  const world = createWorld();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  const first = world.pool.running()[0] as WorkerId;
  for (let n = 0; n < 2; n++) {
    world.clock.advance(10_000);
    await world.step();
  }
  world.pool.crash(first);
  const before = (await world.stores.workers.get(first))!;
  await endWorker(world.deps, before, { type: "exited", code: 1, result: undefined }, "ended");
  return { world, id, first, lost: (await world.stores.workers.get(first))! };
}

test("the change of a worker's end and the passes after it ask once", async () => {
  const { world, id, lost } = await lostWorker();
  const slow = slowGithub(world);
  const looks = [handleChange(slow.deps, { kind: "worker", worker: lost })];
  await turns();
  world.clock.advance(2_000);
  looks.push(handleChange(slow.deps, { kind: "worker", worker: lost }));
  looks.push(lookAtJob(slow.deps, await jobOf(world, id), world.now()).then(() => undefined));
  await turns();
  expect(slow.asked()).toBe(1);
  slow.answer();
  await Promise.all(looks);
  expect((await jobOf(world, id)).workerId).toBeUndefined();
  expect((await jobOf(world, id)).failedStarts).toBe(1);
});

test("an answer about the worker before does not take the job from the next one, unless it has ended", async () => {
  const { world, id, lost } = await lostWorker();
  const slow = slowGithub(world);
  const asking = handleChange(slow.deps, { kind: "worker", worker: lost });
  await turns();
  // The next question overtakes it, as after a minute without an answer.
  world.clock.advance(61_000);
  await world.reconcile();
  await play(world, { forMs: 10_000, stepMs: 2_000, assign: () => undefined });
  await world.reconcile();
  const job = await jobOf(world, id);
  expect(job.workerId).toBeDefined();
  expect(job.workerId).not.toBe(lost.id);
  slow.answer();
  await asking;
  expect(await jobOf(world, id)).toEqual(job);

  const second = askGithub(slow.deps, job);
  await turns();
  world.github.complete(id);
  const third = askGithub(world.deps, await jobOf(world, id));
  await third;
  slow.answer();
  await second;
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
});

test("a refusal that comes too late holds nobody", async () => {
  const { world, id, lost } = await lostWorker();
  const slow = slowGithub(world);
  world.github.fail("not-found", { method: "workflowJob" });
  let refuse: () => void = () => undefined;
  const refusing: Deps["github"] = {
    ...world.deps.github,
    async workflowJob(...asked) {
      await new Promise<void>((resolve) => {
        refuse = resolve;
      });
      return world.deps.github.workflowJob(...asked);
    },
  };
  const asking = handleChange({ ...slow.deps, github: refusing }, { kind: "worker", worker: lost });
  await turns();
  const stored = await jobOf(world, id);
  const next = { ...stored, version: stored.version + 1, workerId: "npud-t3st00-another00001" as WorkerId };
  await world.stores.jobs.replace(next);
  refuse();
  await asking;
  expect(await jobOf(world, id)).toEqual(next);
});

test.each([
  ["suspended", undefined, 5],
  ["unavailable", undefined, 11],
  ["rate-limited", 600_000, 2],
  ["not-found", undefined, 5],
] as const)(
  "of a held job that GitHub does not tell of (%s) it is asked seldom",
  async (fault, retryAfterMs, most) => {
    const world = createWorld();
    world.pool.refuse("no such image");
    world.github.queue();
    await world.deliver();
    await play(world, { forMs: HOUR_MS });
    world.clock.advance(24 * HOUR_MS);
    world.github.fail(fault, { method: "workflowJob", ...(retryAfterMs && { retryAfterMs }) });
    const before = world.github.calls.workflowJob;
    for (let n = 0; n < 300; n++) {
      world.clock.advance(2_000);
      await world.reconcile();
    }
    const calls = world.github.calls.workflowJob - before;
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual(most);
  },
);
