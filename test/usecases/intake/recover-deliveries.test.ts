// Asking for lost deliveries again: which, how often, over how long a log, and what is remembered of it.
import { expect, test } from "vitest";
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import { MAX_ASKS } from "../../../shared/domain/upkeep/lost-deliveries.ts";
import { GithubError } from "../../../shared/ports/github.ts";
import { recoverDeliveries } from "../../../shared/usecases/intake/recover-deliveries.ts";
import { reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import { recover } from "../../../shared/usecases/reconcile/recover.ts";
import { REPOSITORY } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";
import { HOUR_MS, lostEnd, MINUTE_MS, queueIn } from "./lost-world.ts";

test("a log too long for one pass is worked off from pass to pass, and new events meanwhile are found", async () => {
  const world = createWorld();
  world.github.hook.deliveriesPerPage = 4;
  await recoverDeliveries(world.deps);
  const words = Array.from({ length: 260 }, () => {
    world.clock.advance(10_000);
    return lostEnd(world);
  });
  const late: WorkflowJobWord[] = [];
  for (let pass = 0; pass < 120; pass++) {
    if (pass === 20) late.push(lostEnd(world));
    const before = world.github.calls.deliveries + world.github.calls.redeliver;
    await recoverDeliveries(world.deps);
    expect(world.github.calls.deliveries + world.github.calls.redeliver - before).toBeLessThan(100);
    await world.deliver();
    world.clock.advance(MINUTE_MS);
  }
  for (const word of [...words, ...late]) {
    expect(await jobOf(world, word.workflowJobId)).toMatchObject({ state: "CANCELLED" });
  }
  const gap = await world.stores.marks.get("cursor", "deliveries-gap");
  expect(gap?.version).toBeGreaterThan(30);
  expect(gap?.value.after).toBeUndefined();
  // What has arrived is not asked for again.
  expect(world.github.calls.redeliver).toBe(words.length + late.length);
});

test("an event that fails for ever is asked for four times, is said once, and holds nothing up", async () => {
  const world = createWorld();
  const poison = queueIn(world, REPOSITORY);
  world.github.fail("not-found", { method: "openJobs" });
  world.post = (words) => words.filter((word) => word.workflowJobId !== poison.workflowJobId);
  let asked: (number | undefined)[] = [];
  await play(world, {
    forMs: 8 * HOUR_MS,
    eachStep: async () => {
      const mark = await world.stores.marks.get("deliveries", "app");
      asked = [...asked, ...Object.values(mark?.value.asked ?? {}).map(({ times }) => times)];
    },
  });
  expect(world.github.calls.redeliver).toBe(MAX_ASKS);
  expect(world.log.of("delivery-given-up")).toHaveLength(1);
  expect(world.log.of("delivery-given-up")[0]?.message).toContain("Recent Deliveries");
  const mark = await world.stores.marks.get("deliveries", "app");
  expect(world.now() - (mark?.value.since ?? 0)).toBeLessThan(15 * MINUTE_MS);
  expect(mark?.value.asked).toEqual({});
  expect(new Set(asked)).toEqual(new Set([1, 2, 3, 4, MAX_ASKS + 1]));
});

test("a webhook that is away for three hours loses no job of a repository that was never seen", async () => {
  const world = createWorld();
  await recoverDeliveries(world.deps);
  world.github.fail("not-found", { method: "openJobs" });
  world.post = () => [];
  const first = queueIn(world, REPOSITORY);
  await play(world, { forMs: 3 * HOUR_MS, stepMs: MINUTE_MS });
  world.post = (words) => words;
  await play(world, { forMs: 2 * HOUR_MS, stepMs: MINUTE_MS });
  expect(await jobOf(world, first.workflowJobId)).toMatchObject({ state: "COMPLETED" });
});

test("a fresh installation asks for the last hour only; a second pass at once asks nothing", async () => {
  const world = createWorld();
  const old = lostEnd(world);
  world.clock.advance(61 * MINUTE_MS);
  const recent = lostEnd(world);
  await recoverDeliveries(world.deps);
  const { deliveries, redeliver } = world.github.calls;
  expect(redeliver).toBe(1);
  await recoverDeliveries(world.deps);
  expect(world.github.calls).toMatchObject({ deliveries, redeliver });
  await world.deliver();
  expect(await jobOf(world, recent.workflowJobId)).toMatchObject({ state: "CANCELLED" });
  await expect(jobOf(world, old.workflowJobId)).rejects.toThrow();
});

test("after a restart the log is read at once: what came meanwhile was lost", async () => {
  const world = createWorld();
  await recoverDeliveries(world.deps);
  const lost = lostEnd(world);
  world.clock.advance(2_000);
  await reconcile(world.deps);
  expect(world.github.calls.redeliver).toBe(0);
  await recover(world.deps);
  expect(world.github.calls.redeliver).toBe(1);
  await world.deliver();
  expect(await jobOf(world, lost.workflowJobId)).toMatchObject({ state: "CANCELLED" });
});

test("in calm it costs 12 calls an hour", async () => {
  const world = createWorld();
  for (let minute = 0; minute < 60; minute++) {
    await recoverDeliveries(world.deps);
    world.clock.advance(MINUTE_MS);
  }
  expect(world.github.calls.deliveries).toBe(12);
});

test("when GitHub refuses midway the rest is asked for in the next pass, and nothing twice", async () => {
  const world = createWorld();
  await recoverDeliveries(world.deps);
  const words = [1, 2, 3].map(() => lostEnd(world));
  world.clock.advance(6 * MINUTE_MS);
  refuseAfter(world, 1);
  await recoverDeliveries(world.deps);
  expect(world.log.of("deliveries-not-recovered")).toHaveLength(1);
  world.clock.advance(MINUTE_MS);
  await recoverDeliveries(world.deps);
  await world.deliver();
  expect(world.github.hook.deliveryLog).toHaveLength(2 * words.length);
  for (const { workflowJobId } of words) {
    expect(await jobOf(world, workflowJobId)).toMatchObject({ state: "CANCELLED" });
  }
});

test("a list that GitHub refuses is a warning, and a pass of the next minute goes on", async () => {
  const world = createWorld();
  lostEnd(world);
  world.github.fail("unavailable", { method: "deliveries" });
  await recoverDeliveries(world.deps);
  expect(world.log.of("deliveries-not-recovered")).toMatchObject([{ level: "warn" }]);
  world.github.fail(undefined, { method: "deliveries" });
  world.clock.advance(MINUTE_MS);
  await recoverDeliveries(world.deps);
  expect(world.github.calls.redeliver).toBe(1);
});

test("what arrives a second time changes nothing", async () => {
  const world = createWorld();
  const { workflowJobId } = queueIn(world, REPOSITORY);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  const before = await jobOf(world, workflowJobId);
  for (const { id } of world.github.hook.deliveryLog) await world.github.redeliver(id);
  await world.deliver();
  expect(await jobOf(world, workflowJobId)).toEqual(before);
});

/** GitHub's limit, met after so many redeliveries; it has ended by the next pass. */
function refuseAfter({ github }: World, count: number): void {
  const redeliver = github.redeliver.bind(github);
  let left = count;
  github.redeliver = async (id) => {
    if (left-- > 0) return redeliver(id);
    github.redeliver = redeliver;
    throw new GithubError("too many", { fault: "rate-limited" });
  };
}
