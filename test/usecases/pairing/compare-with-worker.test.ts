// API jobs whose worker serves another, has no record or is gone: the reconciler finds them, and none waits for good.
import { describe, expect, test } from "vitest";
import { PAIRING_CHECK_MS, PAIRING_RECHECK_MS } from "../../../shared/domain/deadlines.ts";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import { jobDueAt } from "../../../shared/domain/job/job.ts";
import { recover } from "../../../shared/usecases/reconcile/recover.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { LIMITS } from "../../domain/builders.ts";
import { apiJobOf, programWorld, runnerWorld, submit } from "../../fakes/api-world.ts";
import type { World } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;

const ASK = { bootId: "sdk", inProgress: false };

type Scene = { readonly world: World; readonly worker: WorkerId; readonly job: JobId };

async function open(make: () => World = programWorld): Promise<Scene> {
  const world = make();
  const job = await submit(world);
  await world.settle();
  return { world, job, worker: world.pool.running()[0] as WorkerId };
}

async function given(scene: Scene): Promise<Scene> {
  expect(await giveJob(scene.world.deps, scene.worker, ASK)).toMatchObject({ type: "given" });
  return scene;
}

/** The pointer of its worker leads elsewhere, as a crash between two writes leaves it. */
async function turnAway({ world, worker }: Scene): Promise<void> {
  const record = await world.stores.workers.get(worker);
  if (record === undefined) throw new Error("no record");
  const { lease: _lease, ...rest } = record;
  await world.stores.workers.replace({
    ...rest,
    version: record.version + 1,
    jobId: jobId("another-e1"),
    state: "listening",
    lease: undefined,
  });
}

async function look({ world }: Scene, afterMs = PAIRING_CHECK_MS): Promise<void> {
  world.stream = "lost";
  world.clock.advance(afterMs);
  await world.reconcile();
}

describe("a job that waits for a worker", () => {
  test.each<[string, (scene: Scene) => unknown]>([
    ["that serves another", turnAway],
    ["that has no record", ({ world, worker }) => world.loseRecord(worker)],
  ])("%s waits in its lane again, and nothing counts against it", async (_what, spoil) => {
    const scene = await open();
    await spoil(scene);
    await look(scene);
    const job = await apiJobOf(scene.world, scene.job);
    expect(job).toMatchObject({ state: "IN_QUEUE", failedStarts: 0 });
    expect(job.workerId).not.toBe(scene.worker);
    expect(scene.world.log.of("job-without-worker")).toMatchObject([
      { job: scene.job, worker: scene.worker },
    ]);
  });

  test("that is about to take it is left alone, and looked at again", async () => {
    const scene = await open();
    await look(scene);
    const job = await apiJobOf(scene.world, scene.job);
    expect(job).toMatchObject({ state: "IN_QUEUE", workerId: scene.worker });
    expect(jobDueAt(job)).toBe(scene.world.now() + PAIRING_CHECK_MS);
  });

  test("is looked at at once after a restart of the only process", async () => {
    const scene = await open();
    await turnAway(scene);
    scene.world.stream = "lost";
    await recover(scene.world.deps);
    expect((await apiJobOf(scene.world, scene.job)).workerId).not.toBe(scene.worker);
  });
});

describe("a job in progress", () => {
  test("whose worker has turned to another has lost its result", async () => {
    const scene = await given(await open());
    await turnAway(scene);
    await look(scene);
    expect(await apiJobOf(scene.world, scene.job)).toMatchObject({
      state: "FAILED",
      end: { reason: "result-lost" },
      api: { error: /use \/retry/ },
    });
  });

  test("whose worker has no record goes on while its container runs, and has failed when that is gone", async () => {
    const scene = await given(await open());
    const { world, worker, job } = scene;
    world.loseRecord(worker);
    await look(scene);
    const seen = await apiJobOf(world, job);
    expect(seen).toMatchObject({ state: "IN_PROGRESS", workerId: worker });
    expect(jobDueAt(seen)).toBe(world.now() + PAIRING_RECHECK_MS);
    world.pool.vanish(worker);
    await look(scene, PAIRING_RECHECK_MS);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", end: { reason: "worker-lost" } });
  });

  test("whose worker was released without it is settled by what that one said", async () => {
    const scene = await given(await open());
    const { world, worker, job } = scene;
    const record = await world.stores.workers.get(worker);
    if (record === undefined) throw new Error("no record");
    await world.stores.workers.replace({
      ...record,
      version: record.version + 1,
      state: "released",
      dueAt: undefined,
    });
    await look(scene);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_QUEUE", failedStarts: 1 });
  });

  test("of a runner is its runner's, whatever its worker's record says", async () => {
    const scene = await open(runnerWorld);
    const { world, job } = scene;
    for (let n = 0; n < 5; n++) await world.step();
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_PROGRESS" });
    await turnAway(scene);
    await look(scene);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_PROGRESS" });
  });
});

test("a job that was given to a program which never showed it waits no longer than it might run there", async () => {
  const scene = await open();
  const { world, worker, job } = scene;
  const waiting = await apiJobOf(world, job);
  await given(scene);
  // A crash between the write of the worker and that of its job; then nothing is heard of the program.
  const { version } = await apiJobOf(world, job);
  await world.stores.jobs.replace({ ...waiting, version: version + 1 });
  for (let minute = 1; minute < LIMITS.executionMs / MINUTE_MS; minute++) await look(scene, MINUTE_MS);
  expect(world.pool.running()).toEqual([worker]);
  for (let minute = 0; minute < 3; minute++) await look(scene, MINUTE_MS);
  expect(world.pool.running()).not.toContain(worker);
  expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_QUEUE", failedStarts: 1 });
});
