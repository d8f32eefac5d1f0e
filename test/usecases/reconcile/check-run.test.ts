// The lease on the workflow run: a job ends with the run that asked for it, and no runner with a job is stopped.
import { expect, test } from "vitest";
import { RUN_CHECK_MS, RUN_UNKNOWN_MS } from "../../../shared/domain/deadlines.ts";
import { linksDueAt } from "../../../shared/domain/job/api-job.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import { checkRun } from "../../../shared/usecases/reconcile/check-run.ts";
import { aJob, aWorker, T0, WORKER_ID } from "../../domain/builders.ts";
import { API_JOB_ID, anApiJob, aRunnerRequest, OIDC_CALLER, RUN } from "../../domain/job/api-builders.ts";
import { isQuiet, play } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

/** An initialized worker's job, of the workflow run RUN. */
function leased(overrides: Partial<Job> = {}): Job {
  return anApiJob(
    { endpoint: aJob().endpoint, ...overrides },
    { run: RUN, runner: aRunnerRequest({ sealedPat: "sealed" }) },
  );
}

/** A world with this job and, if given, its worker; a minute later. */
async function open(job: Job, worker?: Partial<Worker>): Promise<World> {
  const world = createWorld({ stream: "lost" });
  await world.stores.jobs.create(job);
  if (worker !== undefined) await world.stores.workers.create(aWorker({ jobId: job.id, ...worker }));
  world.clock.advance(RUN_CHECK_MS);
  return world;
}

async function check(world: World): Promise<Job | undefined> {
  const seen = await world.stores.jobs.get(API_JOB_ID);
  if (seen !== undefined) await checkRun(world.deps, seen);
  return await world.stores.jobs.get(API_JOB_ID);
}

const goesOn = { status: "in_progress", conclusion: undefined, runAttempt: 1 } as const;
const cancelled = { status: "completed", conclusion: "cancelled", runAttempt: 1 } as const;

test("the lease is due a minute after submission, and at verifyAt from then on", () => {
  expect(linksDueAt(leased())).toBe(T0 + RUN_CHECK_MS);
  expect(linksDueAt(leased({ verifyAt: T0 + 5 }))).toBe(T0 + 5);
  expect(linksDueAt(anApiJob())).toBeUndefined();
  expect(linksDueAt(aJob())).toBeUndefined();
});

test("a run that goes on: the job too, and GitHub is asked once a minute at most", async () => {
  const world = await open(leased());
  world.github.runs.set(7001, goesOn);
  const job = await check(world);
  expect(job).toMatchObject({ state: "IN_QUEUE", verifyAt: world.now() + RUN_CHECK_MS });
  await check(world);
  expect(world.github.calls.workflowRun).toBe(1);
});

test.each([
  { name: "cancelled", word: cancelled, says: /Run 7001 of Acme\/kernels has ended \(cancelled\)/ },
  {
    name: "ended without terminate",
    word: { ...cancelled, conclusion: "success" },
    says: /has ended \(success\)/,
  },
  { name: "started again", word: { ...goesOn, runAttempt: 2 }, says: /attempt 2\); .* attempt 1/ },
])("a run that was $name ends its job, and the PAT with it", async ({ word, says }) => {
  for (const [job, worker] of [
    [leased(), undefined],
    [leased({ workerId: WORKER_ID }), { state: "booted" }],
    [leased({ workerId: WORKER_ID, state: "IN_PROGRESS" }), { state: "listening" }],
  ] as const) {
    const world = await open(job, worker);
    world.github.runs.set(7001, word);
    const ended = await check(world);
    expect(ended).toMatchObject({
      state: "CANCELLED",
      end: { reason: "run-ended", message: expect.stringMatching(says) },
      api: { runner: { patErased: true } },
    });
    // Nothing more happens to a job that has ended.
    await check(world);
    expect(world.github.calls.workflowRun).toBe(1);
  }
});

test("a runner with a workflow job is left alone, and GitHub is not even asked", async () => {
  const world = await open(leased({ workerId: WORKER_ID, state: "IN_PROGRESS" }), { state: "running" });
  world.github.runs.set(7001, cancelled);
  expect(await check(world)).toMatchObject({
    state: "IN_PROGRESS",
    verifyAt: world.now() + 5 * RUN_CHECK_MS,
  });
  expect(world.github.calls.workflowRun).toBe(0);
});

test("a runner that gets its workflow job while GitHub is asked is left alone", async () => {
  const world = await open(leased({ workerId: WORKER_ID, state: "IN_PROGRESS" }), { state: "listening" });
  const { workers, jobs } = world.stores;
  const deps = {
    ...world.deps,
    github: {
      ...world.github,
      async workflowRun() {
        const worker = await workers.get(WORKER_ID);
        if (worker) await workers.replace({ ...worker, version: worker.version + 1, state: "running" });
        return cancelled;
      },
    },
  };
  const seen = await jobs.get(API_JOB_ID);
  if (seen) await checkRun(deps, seen);
  expect(await jobs.get(API_JOB_ID)).toMatchObject({ state: "IN_PROGRESS" });
});

test("a job that turned to another worker while GitHub was asked waits for the next look", async () => {
  const world = await open(leased());
  const { jobs } = world.stores;
  const deps = {
    ...world.deps,
    github: {
      ...world.github,
      async workflowRun() {
        const job = await jobs.get(API_JOB_ID);
        if (job) await jobs.replace({ ...job, version: job.version + 1, workerId: WORKER_ID });
        return cancelled;
      },
    },
  };
  const seen = await jobs.get(API_JOB_ID);
  if (seen) await checkRun(deps, seen);
  expect(await jobs.get(API_JOB_ID)).toMatchObject({
    state: "IN_QUEUE",
    verifyAt: world.now() + RUN_CHECK_MS,
  });
});

test("a run that GitHub does not show ends nothing; it is asked about less often, and the log says why", async () => {
  const world = await open(leased());
  expect(await check(world)).toMatchObject({ state: "IN_QUEUE", verifyAt: world.now() + RUN_UNKNOWN_MS });
  expect(world.log.of("run-unknown")).toMatchObject([
    { message: expect.stringContaining("run 7001 of Acme/kernels") },
  ]);
});

test("GitHub cannot be asked: the job stays, and its next look is not before GitHub allows", async () => {
  const world = await open(leased());
  world.github.fail("rate-limited", { method: "workflowRun", retryAfterMs: 600_000 });
  expect(await check(world)).toMatchObject({ state: "IN_QUEUE", verifyAt: world.now() + 600_000 });
});

test("jobs without a run, and jobs of GitHub, cost nothing", async () => {
  const world = await open(aJob());
  await checkRun(world.deps, aJob());
  expect(world.github.calls.workflowRun).toBe(0);
});

test("cancel pressed after initialize: the worker, its runner and its cards are free within two minutes", async () => {
  const world = createWorld();
  world.github.runs.set(RUN.runId, goesOn);
  const started = await runJob(world.deps, OIDC_CALLER, "linux-aarch64-a2-1", {
    body: { input: {} },
    rawHash: "hash",
    kind: "async",
    jti: "one",
  });
  if (started.type !== "accepted") throw new Error(started.type);
  await world.settle();
  for (let step = 0; step < 5; step += 1) await world.step();
  expect(world.workers.map(({ stage }) => stage)).toEqual(["listening"]);
  expect(world.github.runners.size).toBe(1);

  world.github.runs.set(RUN.runId, cancelled);
  expect(await play(world, { forMs: 2 * RUN_CHECK_MS, until: isQuiet })).toBe(true);

  expect(await world.stores.jobs.get(started.job.id)).toMatchObject({
    state: "CANCELLED",
    end: { reason: "run-ended" },
  });
  expect([world.github.runners.size, world.pool.running()]).toEqual([0, []]);
  expect(world.faults).toEqual([]);
});
