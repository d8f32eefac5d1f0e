// The started hook's word: jobs and workers are paired though `in_progress` was lost, and nobody is asked where it was not.
import { describe, expect, test } from "vitest";
import { GITHUB_RECHECK_MS, GITHUB_WORD_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { StartedJob } from "../../../shared/domain/started-job.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { REPOSITORY, TENANT } from "../../domain/builders.ts";
import { isQuiet, jobOf, jobsOf, play } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

/** As many jobs, each with a listening worker, and nothing given yet. */
async function listening(jobs: number): Promise<{ world: World; ids: number[]; workers: WorkerId[] }> {
  const world = createWorld();
  for (let n = 0; n < jobs; n++) world.github.queue({ runId: 7_001 + n });
  await world.deliver();
  for (let n = 0; n < 4; n++) await world.step();
  const ids = [...world.github.jobs.keys()];
  const workers = await Promise.all(ids.map(async (id) => (await jobOf(world, id)).workerId!));
  return { world, ids, workers };
}

/** GitHub gives the job to the worker, and its `in_progress` never comes. */
function assignUnheard(world: World, worker: WorkerId, job: number): void {
  world.github.assign(worker, job);
  world.github.takeOutbox();
}

function startedOf(world: World, id: number, overrides: Partial<StartedJob> = {}): StartedJob {
  const { runId, runAttempt, repository } = world.github.jobs.get(id)!;
  return {
    repository: `${repository.owner.login}/${repository.name}`,
    repositoryId: repository.id,
    runId,
    runAttempt,
    job: "build",
    workflowRef: "Acme/kernels/.github/workflows/ci.yml@refs/heads/main",
    event: "push",
    ...overrides,
  };
}

async function ping(world: World, worker: WorkerId, started?: StartedJob): Promise<void> {
  await recordPing(world.deps, worker, { phase: "running", jobName: "build", started });
  await world.settle();
}

async function pingLater(world: World, worker: WorkerId, ms: number): Promise<void> {
  world.clock.advance(ms);
  await ping(world, worker);
}

const bindingOf = async (world: World, id: WorkerId) => (await world.stores.workers.get(id))?.binding;

test("where GitHub's own event has come, nothing is asked", async () => {
  const { world, ids, workers } = await listening(1);
  const [a, w1] = [ids[0]!, workers[0]!];
  world.github.assign(w1, a);
  await world.deliver();
  await ping(world, w1, startedOf(world, a));
  expect(await bindingOf(world, w1)).toMatchObject({ settled: true, asked: 0 });
  for (let n = 0; n < 5; n++) await pingLater(world, w1, GITHUB_RECHECK_MS);
  expect(world.github.calls.runJobs).toBe(0);
});

test("where it comes a little later than the hook, nothing is asked either", async () => {
  const { world, ids, workers } = await listening(1);
  const [a, w1] = [ids[0]!, workers[0]!];
  world.github.assign(w1, a);
  await ping(world, w1, startedOf(world, a));
  await world.deliver();
  await pingLater(world, w1, GITHUB_WORD_MS);
  expect(await bindingOf(world, w1)).toMatchObject({ settled: true, asked: 0 });
  expect(world.github.calls.runJobs).toBe(0);
});

test("lost in_progress of its own job: one question, and the job is in progress", async () => {
  const { world, ids, workers } = await listening(1);
  const [a, w1] = [ids[0]!, workers[0]!];
  assignUnheard(world, w1, a);
  await ping(world, w1, startedOf(world, a));
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_QUEUE" });
  await pingLater(world, w1, GITHUB_WORD_MS);
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_PROGRESS", workerId: w1 });
  await pingLater(world, w1, GITHUB_RECHECK_MS);
  expect(world.github.calls.runJobs).toBe(1);
  expect(await bindingOf(world, w1)).toMatchObject({ settled: true });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});

test("stolen runner, lost in_progress: the two are swapped", async () => {
  const { world, ids, workers } = await listening(2);
  const [[a, b], [w1, w2]] = [ids as [number, number], workers as [WorkerId, WorkerId]];
  assignUnheard(world, w1, b);
  await ping(world, w1, startedOf(world, b));
  await pingLater(world, w1, GITHUB_WORD_MS);
  expect(await jobOf(world, b)).toMatchObject({ state: "IN_PROGRESS", workerId: w1 });
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_QUEUE", workerId: w2 });
  expect((await world.stores.workers.get(w2))?.jobId).toBe(`gh-${a}`);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(2);
  expect(world.faults).toEqual([]);
});

test("stolen by a job of which no event ever came: it is created", async () => {
  const { world, workers } = await listening(1);
  const w1 = workers[0]!;
  const b = world.github.queue({ runId: 9_000 }).workflowJobId;
  assignUnheard(world, w1, b);
  await ping(world, w1, startedOf(world, b));
  await pingLater(world, w1, GITHUB_WORD_MS);
  expect(await jobOf(world, b)).toMatchObject({ state: "IN_PROGRESS", workerId: w1 });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobsOf(world)).every((job) => job?.state === "COMPLETED")).toBe(true);
});

test("GitHub's list lags: asked again a minute later, five times at most", async () => {
  const { world, ids, workers } = await listening(1);
  const [a, w1] = [ids[0]!, workers[0]!];
  await ping(world, w1, startedOf(world, a));
  for (let n = 0; n < 60; n++) await pingLater(world, w1, 10_000);
  expect(world.github.calls.runJobs).toBe(5);
  expect(await bindingOf(world, w1)).toMatchObject({ settled: true, asked: 5 });
});

test("GitHub cannot be asked: the ping is answered, and the next try binds", async () => {
  const { world, ids, workers } = await listening(1);
  const [a, w1] = [ids[0]!, workers[0]!];
  assignUnheard(world, w1, a);
  world.github.fail("unavailable", { method: "runJobs" });
  await ping(world, w1, startedOf(world, a));
  await pingLater(world, w1, GITHUB_WORD_MS);
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_QUEUE" });
  world.github.fail(undefined, { method: "runJobs" });
  await pingLater(world, w1, GITHUB_RECHECK_MS);
  expect(await jobOf(world, a)).toMatchObject({ state: "IN_PROGRESS" });
});

describe("a word that nobody should believe", () => {
  test("of another owner's repository: GitHub is not asked with this tenant's rights", async () => {
    const { world, ids, workers } = await listening(1);
    const [a, w1] = [ids[0]!, workers[0]!];
    await ping(world, w1, startedOf(world, a, { repository: "globex/secret", runId: 666 }));
    await pingLater(world, w1, GITHUB_WORD_MS);
    expect(world.github.calls.runJobs).toBe(0);
    expect(world.log.of("binding-refused")).toHaveLength(1);
    expect(await bindingOf(world, w1)).toMatchObject({ settled: true });
  });

  test("of a run that has not our runner: nothing is written", async () => {
    const { world, ids, workers } = await listening(2);
    const [[a, b], [w1]] = [ids as [number, number], workers as [WorkerId]];
    await ping(world, w1, startedOf(world, b));
    const before = [await jobOf(world, a), await jobOf(world, b)];
    await pingLater(world, w1, GITHUB_WORD_MS);
    expect([await jobOf(world, a), await jobOf(world, b)]).toEqual(before);
    expect(world.github.calls.runJobs).toBe(1);
  });
});

test.each(["before", "after"] as const)(
  "a crash %s any effect loses nothing: the next pings bind",
  async (moment) => {
    let blown = true;
    for (let effect = 1; blown; effect++) {
      const { world, ids, workers } = await listening(2);
      world.stream = "volatile";
      const [[a, b], [w1, w2]] = [ids as [number, number], workers as [WorkerId, WorkerId]];
      assignUnheard(world, w1, b);
      await ping(world, w1, startedOf(world, b));
      world.clock.advance(GITHUB_WORD_MS);
      world.fuse.arm(world.fuse.count + effect, moment);
      await ping(world, w1).catch(() => undefined);
      blown = world.fuse.blown;
      world.restart();
      await pingLater(world, w1, GITHUB_RECHECK_MS);
      await pingLater(world, w1, GITHUB_RECHECK_MS);
      expect(await jobOf(world, b), `crash at ${effect}`).toMatchObject({
        state: "IN_PROGRESS",
        workerId: w1,
      });
      expect((await jobOf(world, a)).workerId, `crash at ${effect}`).toBe(w2);
    }
  },
);

describe("repositories of a tenant's policy", () => {
  const tenants = (repositories: string[]) => [{ ...createWorld().deps.tenants[0]!, repositories }];

  test("a job of another one is not recorded, and the reason is kept", async () => {
    const world = createWorld({ tenants: tenants(["models-*"]) });
    const { workflowJobId } = world.github.queue();
    await world.deliver();
    expect(await world.stores.jobs.get(`gh-${workflowJobId}` as never)).toBeUndefined();
    const [miss] = await world.stores.nearMisses.list(TENANT, 10);
    expect(miss?.reason).toContain(`Acme/${REPOSITORY.name} is not among repositories`);
    expect(world.pool.started).toEqual([]);
  });

  test("one of its own goes on, and one that runs does so after a change of policy", async () => {
    const world = createWorld({ tenants: tenants(["kernels"]) });
    const { workflowJobId } = world.github.queue();
    await world.deliver();
    for (let n = 0; n < 4; n++) await world.step();
    const { workerId } = await jobOf(world, workflowJobId);
    Object.assign(world.deps, { tenants: tenants(["models-*"]) });
    world.github.assign(workerId!, workflowJobId);
    await world.deliver();
    expect(await jobOf(world, workflowJobId)).toMatchObject({ state: "IN_PROGRESS" });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });
});
