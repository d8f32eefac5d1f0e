// Looking for jobs that GitHub never told of: where, how often, at what cost, and what is left alone.
import { expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import { findUnheardJobs } from "../../../shared/usecases/intake/find-unheard-jobs.ts";
import { OWNER, REPOSITORY, T0, TENANT } from "../../domain/builders.ts";
import { jobOf } from "../../fakes/play.ts";
import { createWorld } from "../../fakes/world.ts";
import {
  lookEveryMinute,
  MINUTE_MS,
  print,
  queueIn,
  remember,
  SHARE_OF_LIMIT,
  watchOpenJobs,
} from "./lost-world.ts";

test("100 repositories take less than a fifth of an installation's calls", async () => {
  const world = createWorld();
  for (let n = 0; n < 100; n++) await remember(world, { ...REPOSITORY, id: 1_000 + n });
  const calls = watchOpenJobs(world);
  await lookEveryMinute(world, 180);
  const perHour = calls.http() / 3;
  print(`100 idle repositories: ${perHour.toFixed()} calls an hour`);
  expect(perHour).toBeLessThanOrEqual(SHARE_OF_LIMIT);
  // Each was looked at, about every 13 minutes.
  expect(calls.repositories.size).toBe(100);
  expect(world.github.calls.openJobs).toBeGreaterThan(3 * 400);
});

test("repositories full of open runs take no more", async () => {
  const world = createWorld();
  for (let n = 0; n < 20; n++) {
    const repository = { ...REPOSITORY, id: 1_000 + n };
    await remember(world, repository);
    for (let job = 0; job < 20; job++) queueIn(world, repository, { labels: ["ubuntu-latest"] });
  }
  const calls = watchOpenJobs(world);
  await lookEveryMinute(world, 180);
  expect(calls.repositories.size).toBe(20);
  expect(calls.http() / 3).toBeLessThanOrEqual(SHARE_OF_LIMIT);
});

test("one repository is looked at every ten minutes, none costs nothing", async () => {
  const world = createWorld();
  await lookEveryMinute(world, 60);
  expect(world.github.calls.openJobs).toBe(0);
  expect(await world.stores.marks.get("cursor", "unheard-jobs")).toBeUndefined();
  await remember(world, REPOSITORY);
  await lookEveryMinute(world, 60);
  expect(world.github.calls.openJobs).toBe(6);
});

test("what was heard, asks for nothing of ours, or is nearly ours is left alone", async () => {
  const world = createWorld();
  await remember(world, REPOSITORY);
  world.github.hook.emits = () => false;
  queueIn(world, REPOSITORY, { labels: ["ubuntu-latest"] });
  queueIn(world, REPOSITORY, { labels: ["linux-aarch64-a2-3"] });
  world.github.hook.emits = () => true;
  const known = queueIn(world, REPOSITORY);
  await world.deliver();
  const before = await jobOf(world, known.workflowJobId);
  await findUnheardJobs(world.deps);
  expect(world.github.calls.openJobs).toBe(1);
  expect(await jobOf(world, known.workflowJobId)).toEqual(before);
  expect(world.log.of("workflow-job-found")).toEqual([]);
  expect(await world.stores.nearMisses.list(TENANT, 10)).toEqual([]);
});

test("an owner who suspended the App is not asked for; one that GitHub refuses keeps no other waiting", async () => {
  const world = createWorld();
  const suspended = { ...REPOSITORY, id: 1, owner: { ...OWNER, id: 1, login: "Frozen" } };
  const gone = { ...REPOSITORY, id: 2, owner: { ...OWNER, id: 2, login: "Gone" } };
  for (const repository of [suspended, gone, REPOSITORY]) await remember(world, repository);
  await world.stores.tenants.create({
    id: tenantId(1),
    version: 1,
    login: "Frozen",
    ownerType: "Organization",
    installationId: 99,
    state: "suspended",
    updatedAt: T0,
  });
  const calls = watchOpenJobs(world, new Set([2]));
  world.github.hook.emits = () => false;
  const { workflowJobId } = queueIn(world, REPOSITORY);
  await lookEveryMinute(world, 15);
  expect(calls.repositories).toEqual(new Set([2, REPOSITORY.id]));
  expect(world.log.of("repository-not-looked-at").length).toBeGreaterThan(0);
  expect(await jobOf(world, workflowJobId)).toMatchObject({ state: "IN_QUEUE" });
});

test("when GitHub is not there the pass ends after one call", async () => {
  const world = createWorld();
  for (let n = 0; n < 100; n++) await remember(world, { ...REPOSITORY, id: 1_000 + n });
  await findUnheardJobs(world.deps);
  world.clock.advance(5 * MINUTE_MS);
  const before = world.github.calls.openJobs;
  world.github.fail("unavailable");
  await findUnheardJobs(world.deps);
  expect(world.github.calls.openJobs - before).toBe(1);
});

test("of 250 open runs that nobody told of, every job is found within three looks, the newest too", async () => {
  const world = createWorld();
  await remember(world, REPOSITORY);
  world.github.hook.emits = () => false;
  const queued = Array.from({ length: 250 }, () => queueIn(world, REPOSITORY));
  // Begun before: the oldest runs stay open for days.
  await lookEveryMinute(world, 30);
  expect(world.github.calls.openJobs).toBeLessThanOrEqual(3);
  const found = await Promise.all(queued.map(({ workflowJobId }) => jobOf(world, workflowJobId)));
  expect(found.filter((job) => job === undefined)).toEqual([]);
  // One that needs no second look is begun anew.
  for (const { workflowJobId } of queued.slice(50)) {
    world.github.change(workflowJobId, { status: "completed", conclusion: "cancelled" });
  }
  await lookEveryMinute(world, 20);
  expect((await world.stores.marks.get("cursor", `open-runs-${REPOSITORY.id}`))?.value.after).toBeUndefined();
});
