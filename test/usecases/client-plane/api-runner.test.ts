// API jobs of our own runner: labels, who registers, and how the worker's word ends the job.
import { describe, expect, test } from "vitest";
import type { RunnerRequest } from "../../../shared/domain/job/api-job.ts";
import { endedApi } from "../../../shared/domain/job/api-steps.ts";
import type { WorkerOutcome } from "../../../shared/domain/worker-report.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { receiveDelivery } from "../../../shared/usecases/intake/receive-delivery.ts";
import { updateJob } from "../../../shared/usecases/update.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import { aReport, aTemplate, aWord, TENANT } from "../../domain/builders.ts";
import { aRunnerRequest, KEY_CALLER } from "../../domain/job/api-builders.ts";
import { apiJobOf, areOver, ENDPOINT_NAME, runnerWorld, submit } from "../../fakes/api-world.ts";
import { createFakeSeal } from "../../fakes/fake-seal.ts";
import { play } from "../../fakes/play.ts";
import type { WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const LABEL = "npud-job-abcdefghijkl";

async function started(options: WorldOptions = {}, runner: Partial<RunnerRequest> = {}) {
  const world = runnerWorld(options);
  const job = await submit(world, { runner: aRunnerRequest(runner) });
  await world.settle();
  return { world, job, worker: world.pool.started[0]!.workerId };
}

describe("take", () => {
  test("labels: the endpoint's, the worker's id, the job's own, and those of RunPod's GitHub worker", async () => {
    const { world, worker, job } = await started();
    const taken = await takeJob(world.deps, worker, "b");
    expect(taken).toMatchObject({
      type: "taken",
      job: { id: job, input: { of: job }, retries: 0 },
      settings: {
        url: "https://github.com/Acme",
        labels: [ENDPOINT_NAME, "npu", "runpod", "self-hosted", "linux", worker, LABEL],
        defaultLabels: true,
      },
    });
    expect((await apiJobOf(world, job)).state).toBe("IN_PROGRESS");
  });

  test("at a repository that the request names, and without the tenant's group", async () => {
    const scope = { type: "repository", owner: "octo", repo: "widgets" } as const;
    const sealedPat = "kept elsewhere";
    const { world, worker } = await started({}, { scope, sealedPat });
    const taken = await takeJob(world.deps, worker, "b");
    expect(taken).toMatchObject({ settings: { url: "https://github.com/octo/widgets" } });
    expect(JSON.stringify(taken)).not.toContain(sealedPat);
  });
});

describe("registration", () => {
  test("with the PAT of the request, opened for this job only", async () => {
    const world = runnerWorld();
    const job = await submit(world);
    const current = await apiJobOf(world, job);
    const sealedPat = createFakeSeal().seal(job, "ghp_secret");
    const api = { ...current.api, runner: aRunnerRequest({ sealedPat }) };
    await world.stores.jobs.replace({ ...current, version: current.version + 1, api });
    await world.settle();
    const worker = world.pool.started[0]!.workerId;
    await takeJob(world.deps, worker, "b");
    world.github.personalTokens.add("ghp_secret");
    const outcome = await registerRunner(world.deps, worker, "b", "token");
    expect(outcome).toMatchObject({ type: "registered", answer: { type: "token" } });
    expect(world.github.tokensUsed).toEqual(["ghp_secret"]);
  });

  test("not as the App when the PAT cannot be opened", async () => {
    const sealedPat = createFakeSeal().seal("another job", "ghp_secret");
    const { world, worker } = await started({}, { sealedPat });
    await takeJob(world.deps, worker, "b");
    const outcome = await registerRunner(world.deps, worker, "b", "token");
    expect(outcome).toMatchObject({ type: "refused", message: /send the job again/ });
    expect(world.github.calls.registrationToken).toBe(0);
  });

  test("as the App without one; a JIT runner carries the same labels", async () => {
    const { world, worker } = await started();
    await takeJob(world.deps, worker, "b");
    expect(await registerRunner(world.deps, worker, "b", "jit")).toMatchObject({ type: "registered" });
    expect(world.github.runners.get(worker)?.labels).toContain(LABEL);
  });
});

describe("the worker's word is the job's end", () => {
  const ends: [WorkerOutcome, string, string | undefined][] = [
    ["ran", "COMPLETED", undefined],
    ["idle", "TIMED_OUT", "never picked up"],
    ["cancelled", "CANCELLED", undefined],
    ["registration-refused", "FAILED", "as its script says"],
    ["runner-too-old", "FAILED", "as its script says"],
  ];
  test.each(ends)("%s: %s", async (outcome, state, error) => {
    const { world, job, worker } = await started();
    await takeJob(world.deps, worker, "b");
    await finishWorker(world.deps, worker, aReport({ outcome, message: "as its script says" }));
    const ended = await apiJobOf(world, job);
    expect(ended.state).toBe(state);
    if (error !== undefined) expect(ended.api.error).toContain(error);
    if (state === "COMPLETED") expect(ended.api.output).toMatchObject({ json: /"outcome":"ran"/ });
    await world.settle();
    expect((await world.stores.workers.get(worker))?.state).toBe("released");
  });

  test("a start that fails is tried three times, then the job has failed with the reason", async () => {
    const { world, job } = await started({ script: { failsWith: "config-failed" } });
    expect(await play(world, { forMs: 30 * MINUTE_MS, until: () => areOver(world, [job]) })).toBe(true);
    expect(await apiJobOf(world, job)).toMatchObject({
      state: "FAILED",
      failedStarts: 2,
      api: { error: "as its script says (3 tries to start a worker)" },
    });
    expect(world.pool.started).toHaveLength(3);
    expect(await world.apiStores.counts.get((await apiJobOf(world, job)).endpoint)).toMatchObject({
      failed: 1,
    });
  });

  test("a pool that refuses is asked three times", async () => {
    const world = runnerWorld();
    world.pool.refuse("no such image");
    const job = await submit(world);
    await world.settle();
    expect(await play(world, { forMs: 30 * MINUTE_MS, until: () => areOver(world, [job]) })).toBe(true);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", api: { error: /no such image/ } });
  });
});

describe("a worker that is lost", () => {
  test("before its runner could listen: its job starts once more", async () => {
    const { world, job, worker } = await started();
    await takeJob(world.deps, worker, "b");
    world.pool.crash(worker);
    await world.reconcile();
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_QUEUE", failedStarts: 1 });
  });

  test("after it had its registration: it may have run, so its job has failed", async () => {
    const { world, job, worker } = await started();
    await takeJob(world.deps, worker, "b");
    await registerRunner(world.deps, worker, "b", "token");
    world.pool.crash(worker, "was evicted by its node (Evicted): low on disk");
    await world.reconcile();
    const error = /without a result.*: its container was evicted by its node \(Evicted\): low on disk$/;
    expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", api: { error } });
  });
});

test("cancel ends the worker at once, with a grace", async () => {
  const { world, job, worker } = await started();
  await takeJob(world.deps, worker, "b");
  await registerRunner(world.deps, worker, "b", "token");
  await recordPing(world.deps, worker, { phase: "listening", jobName: undefined });
  await cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
  await world.settle();
  expect(world.pool.stops).toMatchObject([{ workerId: worker, graceMs: 30_000 }]);
  expect((await world.stores.workers.get(worker))?.state).toBe("released");
});

test("the end of its run asks a registered worker to drain: GitHub may have given it another run's job", async () => {
  const { world, job, worker } = await started();
  await takeJob(world.deps, worker, "b");
  await registerRunner(world.deps, worker, "b", "token");
  await recordPing(world.deps, worker, { phase: "listening", jobName: undefined });
  const end = { state: "CANCELLED", reason: "run-ended", message: "its run has ended" } as const;
  await updateJob(world.stores.jobs, job, (current) => endedApi(current, end, world.now()));
  await world.settle();
  expect(world.pool.stops).toEqual([]);
  expect(await world.stores.workers.get(worker)).toMatchObject({ drain: { reason: "job-ended" } });
});

describe("the ttl of a job whose runner listens", () => {
  async function ranOut(step: (parts: Awaited<ReturnType<typeof started>>) => Promise<unknown>) {
    const parts = await started();
    const { world, job, worker } = parts;
    await takeJob(world.deps, worker, "b");
    await registerRunner(world.deps, worker, "b", "token");
    await recordPing(world.deps, worker, { phase: "listening", jobName: undefined });
    const end = { state: "TIMED_OUT", reason: "queue-timeout", message: "its ttl is over" } as const;
    await updateJob(world.stores.jobs, job, (current) => endedApi(current, end, world.now()));
    await step(parts);
    await world.settle();
    expect(world.pool.stops).toEqual([]);
    return parts;
  }

  test("asks the worker to drain: GitHub may have given it a job a moment ago", async () => {
    const { world, worker } = await ranOut(async () => undefined);
    expect(await world.stores.workers.get(worker)).toMatchObject({ drain: { reason: "job-ended" } });
    expect(await recordPing(world.deps, worker, { phase: "listening", jobName: undefined })).toBe(
      "job-ended",
    );
  });

  test("also when its first word of a workflow job comes just after the end", async () => {
    const { world, worker } = await ranOut(({ world, worker }) =>
      recordPing(world.deps, worker, { phase: "running", jobName: "build" }),
    );
    expect(await world.stores.workers.get(worker)).toMatchObject({ state: "running" });
  });

  test("also when the job was asked for again before anybody looked", async () => {
    const { world, worker } = await ranOut(({ world, job }) =>
      retryJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job),
    );
    await recordPing(world.deps, worker, { phase: "listening", jobName: undefined });
    await world.settle();
    expect(world.pool.stops).toEqual([]);
    expect(await world.stores.workers.get(worker)).toMatchObject({ drain: { reason: "job-ended" } });
  });
});

test("from the pickup of a workflow job on, the ttl no longer counts", async () => {
  const { world, job, worker } = await started();
  await takeJob(world.deps, worker, "b");
  await recordPing(world.deps, worker, { phase: "running", jobName: "build" });
  expect((await apiJobOf(world, job)).phases.running).toBe(world.now());
});

describe("workflow jobs", () => {
  test("one that asks for an API job's label starts nothing, and is no typo", async () => {
    const world = createWorld({ templates: [aTemplate()] });
    const word = aWord({ labels: ["linux-aarch64-a2-1", "NPUD-job-abcdefghijkl"] });
    expect(await receiveDelivery(world.deps, word)).toMatchObject({ type: "unchanged" });
    expect(await world.stores.nearMisses.list(TENANT, 10)).toEqual([]);
  });

  test("the runner of an API job stays with it, whatever workflow job GitHub gives it", async () => {
    const api = { ...aTemplate({ name: ENDPOINT_NAME, selector: ENDPOINT_NAME, cards: 1, counts: [] }) };
    const world = createWorld({ templates: [api], cards: 2 });
    const job = await submit(world);
    await world.settle();
    for (let n = 0; n < 4; n++) await world.step();
    const { workflowJobId } = world.github.queue({ labels: [ENDPOINT_NAME] });
    const runner = world.pool.started[0]!.workerId;
    expect(world.github.assign(runner, workflowJobId)).toBeDefined();
    expect(await play(world, { forMs: 8 * 60 * MINUTE_MS, until: () => areOver(world, [job]) })).toBe(true);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "COMPLETED", workerId: runner });
  });
});
