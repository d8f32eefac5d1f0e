// How an API job moves, step by step, and that its end is one.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ADMIT_MS } from "../../../shared/domain/deadlines.ts";
import type { ApiEnd } from "../../../shared/domain/job/api-steps.ts";
import {
  apiLimits,
  drainedTo,
  endedApi,
  newApiJob,
  pickedUp,
  progressed,
  retried,
  startedApi,
} from "../../../shared/domain/job/api-steps.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal, isWaiting } from "../../../shared/domain/job/job.ts";
import { inlinePayload } from "../../../shared/domain/job/payload.ts";
import { aJob, LIMITS, POOL, T0, TENANT } from "../builders.ts";
import { API_JOB_ID, anApiJob, aProgramEndpoint, aRunnerRequest, OIDC_CALLER, RUN } from "./api-builders.ts";

const DONE: ApiEnd = { state: "COMPLETED", reason: "succeeded", message: "returned" };
const FAILED: ApiEnd = { state: "FAILED", reason: "worker-failed", message: "raised", error: "ValueError" };
const OUTPUT = inlinePayload('{"n":1}');

test("a new job waits in its lane at once, before those of low priority", () => {
  const parts = {
    id: API_JOB_ID,
    endpoint: aProgramEndpoint(),
    caller: OIDC_CALLER,
    kind: "sync" as const,
    policy: { executionTimeoutMs: 1, ttlMs: 2, lowPriority: false },
    requestHash: "hash",
    input: OUTPUT,
    runner: undefined,
    callbackUrl: "https://example.org/",
    now: T0,
  };
  const job = newApiJob(parts);
  expect(job).toMatchObject({
    id: API_JOB_ID,
    version: 1,
    origin: "api",
    state: "IN_QUEUE",
    pool: POOL,
    cards: 1,
    tenant: TENANT,
    priority: 500,
    createdAt: T0,
    queuedAt: T0,
    admitAt: T0 + ADMIT_MS,
    starts: 0,
    failedStarts: 0,
    phases: { queued: T0 },
  });
  expect(job.api).toMatchObject({
    generation: 1,
    kind: "sync",
    repositoryId: 81,
    run: RUN,
    input: OUTPUT,
    callback: { url: "https://example.org/", tries: 0, dueAt: undefined },
    stream: { written: 0, drained: 0 },
    retries: 0,
  });
  expect(newApiJob({ ...parts, callbackUrl: undefined }).api?.callback).toBeUndefined();
  expect(isWaiting(job)).toBe(true);
  expect(newApiJob({ ...parts, policy: { ...parts.policy, lowPriority: true } }).priority).toBe(0);
});

test("taken, then progress, then the end: with its times", () => {
  const taken = startedApi(anApiJob(), T0 + 5);
  expect(taken).toMatchObject({ state: "IN_PROGRESS", api: { startedAt: T0 + 5 } });
  const told = progressed(taken, OUTPUT);
  expect(told).toMatchObject({ api: { output: OUTPUT, startedAt: T0 + 5 } });
  const ended = endedApi(told, { ...DONE, output: inlinePayload("7") }, T0 + 9);
  expect(ended).toMatchObject({
    state: "COMPLETED",
    end: { reason: "succeeded", message: "returned", at: T0 + 9 },
    api: { endedAt: T0 + 9, expiresAt: T0 + 9 + 1_800_000, output: inlinePayload("7"), error: undefined },
    phases: { queued: T0, done: T0 + 9 },
  });
  // What came before stays known: the start.
  expect(ended.api).toMatchObject({ startedAt: T0 + 5, callback: undefined });
});

test("a job in progress without the time of its start, a runner's before its pickup, begins with the take", () => {
  const taken = startedApi(anApiJob({ state: "IN_PROGRESS" }), T0 + 6);
  expect(taken).toMatchObject({ state: "IN_PROGRESS", api: { startedAt: T0 + 6 } });
});

test("a repeated take is no news, and another one does not move the start", () => {
  const taken = startedApi(anApiJob(), T0 + 5);
  expect(startedApi(taken, T0 + 6)).toBe(taken);
  const again = startedApi({ ...taken, state: "IN_QUEUE" }, T0 + 6);
  expect(again).toMatchObject({ state: "IN_PROGRESS", api: { startedAt: T0 + 5 } });
});

test("progress counts while the job runs, not before and not after", () => {
  const queued = anApiJob();
  expect(progressed(queued, OUTPUT)).toBe(queued);
  const ended = endedApi(startedApi(queued, T0), DONE, T0);
  expect(progressed(ended, OUTPUT)).toBe(ended);
});

test("the result of /runsync is kept for a minute", () => {
  expect(endedApi(anApiJob({}, { kind: "sync" }), DONE, T0).api?.expiresAt).toBe(T0 + 60_000);
});

test("the end makes the callback due and erases the PAT", () => {
  const callback = { url: "https://example.org/", tries: 0, dueAt: undefined };
  const sealed = aRunnerRequest({ sealedPat: "sealed" });
  const ended = endedApi(anApiJob({}, { callback, runner: sealed }), DONE, T0 + 1);
  expect(ended.api?.callback).toEqual({ ...callback, dueAt: T0 + 1 });
  expect(ended.api?.runner).toEqual({ ...sealed, sealedPat: undefined, patErased: true });
  const app = aRunnerRequest();
  expect(endedApi(anApiJob({}, { runner: app }), DONE, T0).api?.runner).toBe(app);
});

test("a retry is a new generation at the end of the lane, with the old output gone", () => {
  const callback = { url: "https://example.org/", tries: 3, dueAt: undefined };
  const side = { callback, stream: { written: 4, drained: 2 } };
  const failed = endedApi(
    startedApi(anApiJob({ failedStarts: 2 }, side), T0 + 1),
    { ...FAILED, output: OUTPUT },
    T0 + 2,
  );
  const again = retried(failed, T0 + 9);
  expect(again).toMatchObject({
    id: failed.id,
    state: "IN_QUEUE",
    queuedAt: T0 + 9,
    createdAt: T0,
    failedStarts: 0,
    workerId: undefined,
    end: undefined,
  });
  expect(again.api).toMatchObject({
    generation: 2,
    retries: 1,
    output: undefined,
    error: undefined,
    startedAt: undefined,
    endedAt: undefined,
    expiresAt: undefined,
    stream: { written: 0, drained: 0 },
    callback: { url: callback.url, tries: 0, dueAt: undefined },
    input: failed.api?.input,
    kind: "async",
  });
  expect(again).toMatchObject({ admitAt: T0 + 9 + ADMIT_MS, phases: { queued: T0 + 9 } });
  expect(again.phases).not.toHaveProperty("done");
  expect(isWaiting(again)).toBe(true);
  expect(retried(anApiJob({ state: "TIMED_OUT" }), T0)).toMatchObject({
    state: "IN_QUEUE",
    api: { generation: 2, callback: undefined },
  });
});

test.each(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "CANCELLED"] as const)("%s is not retried", (state) => {
  const job = anApiJob({ state });
  expect(retried(job, T0)).toBe(job);
});

test("the pickup is noted once, while the job is open", () => {
  const job = pickedUp(anApiJob(), T0 + 3);
  expect(job.phases).toEqual({ queued: T0, running: T0 + 3 });
  expect(pickedUp(job, T0 + 4)).toBe(job);
  const ended = endedApi(anApiJob(), DONE, T0);
  expect(pickedUp(ended, T0)).toBe(ended);
});

test("chunks are drained forwards only", () => {
  const job = anApiJob({}, { stream: { written: 9, drained: 4 } });
  expect(drainedTo(job, 4)).toBe(job);
  expect(drainedTo(job, 7).api?.stream).toEqual({ written: 9, drained: 7 });
});

test("limits are the policy's, within the endpoint's", () => {
  const limits = { ...LIMITS, executionMs: 300_000 };
  expect(apiLimits(anApiJob(), aProgramEndpoint({ limits }))).toEqual({
    executionTimeoutMs: 300_000,
    ttlMs: 86_400_000,
  });
  expect(apiLimits(anApiJob(), aProgramEndpoint())).toMatchObject({ executionTimeoutMs: 600_000 });
  expect(apiLimits(aJob(), aProgramEndpoint({ limits }))).toEqual({
    executionTimeoutMs: 300_000,
    ttlMs: Number.POSITIVE_INFINITY,
  });
});

test("no step moves a workflow job of GitHub's", () => {
  for (const state of ["IN_QUEUE", "IN_PROGRESS", "FAILED"] as const) {
    const job = aJob({ state });
    for (const step of STEPS) expect(step(job, T0)).toBe(job);
  }
});

const STEPS: readonly ((job: Job, now: number) => Job)[] = [
  startedApi,
  (job) => progressed(job, OUTPUT),
  pickedUp,
  (job, now) => endedApi(job, DONE, now),
  (job, now) => endedApi(job, FAILED, now),
  (job, now) => endedApi(job, { state: "CANCELLED", reason: "cancelled-before-pickup", message: "" }, now),
  (job, now) => endedApi(job, { state: "TIMED_OUT", reason: "queue-timeout", message: "" }, now),
  (job) => drainedTo(job, 3),
  retried,
];

describe("any steps in any order", () => {
  const walk = fc.array(fc.nat(STEPS.length - 1), { maxLength: 30 });

  test("the end absorbs all but a retry, which is a generation of its own", () => {
    fc.assert(
      fc.property(walk, (steps) => {
        let job = anApiJob({}, { runner: aRunnerRequest({ sealedPat: "sealed" }) });
        steps.forEach((step, at) => {
          const next = STEPS[step]?.(job, T0 + at) as Job;
          expect(next.version).toBe(job.version);
          if (isTerminal(job) && next.state !== job.state) {
            expect(next).toMatchObject({ state: "IN_QUEUE" });
            expect(next.api?.generation).toBe((job.api?.generation ?? 0) + 1);
          } else {
            expect(next.api?.generation).toBe(job.api?.generation);
          }
          if (isTerminal(next)) expect(next.api?.runner?.sealedPat).toBeUndefined();
          expect(next.api?.expiresAt === undefined).toBe(!isTerminal(next));
          job = next;
        });
      }),
    );
  });
});
