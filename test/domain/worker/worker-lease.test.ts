// A program's hold on its job: given, shown to have arrived, missed, and let go.
import { describe, expect, test } from "vitest";
import {
  CLOCK_SKEW_MS,
  HEARTBEAT_LOST_MS,
  LEASE_MISSED_MS,
  PROGRAM_LIFE_MS,
} from "../../../shared/domain/deadlines.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import type { JobLease, Worker } from "../../../shared/domain/worker/worker.ts";
import {
  acked,
  canTake,
  given,
  isAfterLease,
  isGivenInVain,
  isIdleProgram,
  isWordOf,
  leaseNameOf,
  missed,
  undelivered,
  unleased,
} from "../../../shared/domain/worker/worker-lease.ts";
import { hasUnsureJob, workerDueAt } from "../../../shared/domain/worker/worker-steps.ts";
import { aWorker, LIMITS, T0 } from "../builders.ts";
import { API_JOB_ID, anApiJob } from "../job/api-builders.ts";

const NOW = T0 + 60_000;
const step = { now: NOW, saidAt: NOW, limits: LIMITS };
const JOB = { id: API_JOB_ID, generation: 1 };
const LIFE = { jobId: API_JOB_ID, generation: 1 };

test("a lease has the name of its job's present life", () => {
  expect(leaseNameOf(anApiJob({}, { generation: 3 }))).toEqual({ jobId: API_JOB_ID, generation: 3 });
  expect(leaseNameOf({ id: API_JOB_ID, api: undefined })).toEqual({ jobId: API_JOB_ID, generation: 0 });
});
const OTHER = jobId("another-e1");

function at(now: number) {
  return { ...step, now, saidAt: now };
}

function aLease(overrides: Partial<JobLease> = {}): JobLease {
  return {
    jobId: API_JOB_ID,
    generation: 1,
    givenAt: T0,
    times: 1,
    ackedAt: undefined,
    missedAt: undefined,
    ...overrides,
  };
}

function aProgram(overrides: Partial<Worker> = {}): Worker {
  return aWorker({ kind: "program", state: "listening", phases: { listening: T0 }, ...overrides });
}

describe("a program may be given a job", () => {
  test.each(["booted", "listening"] as const)("while it is %s and has none", (state) => {
    expect(canTake(aProgram({ state }), NOW)).toBe(true);
  });

  test.each<[string, Partial<Worker>]>([
    ["has one already", { lease: aLease() }],
    ["was asked to end", { drain: { reason: "idle", at: T0 } }],
    ["runs one", { state: "running" }],
    ["has not booted", { state: "starting" }],
    ["has ended", { state: "finished" }],
    ["is a runner of a workflow job", { kind: "github" }],
    ["is the runner of an API job", { kind: "api-runner" }],
  ])("not when it %s", (_why, other) => {
    expect(isIdleProgram(aProgram(other))).toBe(false);
    expect(canTake(aProgram(other), NOW)).toBe(false);
  });

  test("for a day: what it gathers goes with it then", () => {
    expect(canTake(aProgram(), T0 + PROGRAM_LIFE_MS - 1)).toBe(true);
    expect(canTake(aProgram(), T0 + PROGRAM_LIFE_MS)).toBe(false);
    expect(isIdleProgram(aProgram())).toBe(true);
  });
});

describe("given", () => {
  test("it is on its way: nothing has shown that it arrived, and the worker counts as heard", () => {
    const worker = given(aProgram(), JOB, step);
    expect(worker).toMatchObject({ state: "listening", jobId: API_JOB_ID, heartbeatAt: NOW });
    expect(worker.lease).toEqual(aLease({ givenAt: NOW }));
    expect(hasUnsureJob(worker)).toBe(true);
    expect(worker.dueAt).toBe(NOW + HEARTBEAT_LOST_MS);
  });

  test("once more after a lost answer it is the same lease, given twice", () => {
    const twice = given(given(aProgram(), JOB, step), JOB, { ...step, now: NOW + 5 });
    expect(twice.lease).toEqual(aLease({ givenAt: NOW + 5, times: 2 }));
  });

  test("another job, or its next generation after a retry, is counted from one", () => {
    const before = aProgram({ lease: aLease({ times: 4 }) });
    expect(given(before, { id: OTHER, generation: 1 }, step).lease).toMatchObject({ jobId: OTHER, times: 1 });
    expect(given(before, { ...JOB, generation: 2 }, step).lease).toMatchObject({ generation: 2, times: 1 });
  });

  test("five times without a sign it is in vain; one that arrived never is", () => {
    expect(isGivenInVain(aLease({ times: 4 }))).toBe(false);
    expect(isGivenInVain(aLease({ times: 5 }))).toBe(true);
    expect(isGivenInVain(aLease({ times: 5, ackedAt: T0 }))).toBe(false);
  });
});

describe("shown to have arrived", () => {
  test("the worker runs from now on, and its job is sure", () => {
    const worker = acked(given(aProgram(), JOB, step), API_JOB_ID, at(NOW + 9)) as Worker;
    expect(worker).toMatchObject({
      state: "running",
      heartbeatAt: NOW + 9,
      phases: { listening: T0, running: NOW + 9 },
    });
    expect(worker.lease).toEqual(aLease({ givenAt: NOW, ackedAt: NOW + 9 }));
    expect(hasUnsureJob(worker)).toBe(false);
    expect(worker.dueAt).toBe(workerDueAt(worker, LIMITS));
  });

  test("again after a ping that missed it: neither its start nor the time of its first sign moves", () => {
    const lease = aLease({ ackedAt: T0 + 1, missedAt: T0 + 2 });
    const worker = acked(
      aProgram({ state: "running", lease, phases: { running: T0 + 1 } }),
      API_JOB_ID,
      step,
    );
    expect(worker).toMatchObject({ phases: { running: T0 + 1 }, lease: { ackedAt: T0 + 1 } });
    expect(worker?.lease?.missedAt).toBeUndefined();
  });

  test.each<[string, Partial<Worker>]>([
    ["of a job that it was not given", { lease: aLease({ jobId: OTHER }) }],
    ["of one that it has no lease of", { lease: undefined }],
    ["after its end", { state: "lost", lease: aLease() }],
    ["a second time", { state: "running", lease: aLease({ ackedAt: T0 }) }],
  ])("%s: no news", (_when, other) => expect(acked(aProgram(other), API_JOB_ID, step)).toBeUndefined());
});

describe("a ping without the job that the program had", () => {
  const running = (lease: Partial<JobLease>) =>
    aProgram({ state: "running", phases: { running: T0 }, lease: aLease({ ackedAt: T0, ...lease }) });

  test("is noted first: one may have been under way while the job arrived", () => {
    const outcome = missed(running({}), step);
    expect(outcome).toMatchObject({ type: "noted", worker: { lease: { missedAt: NOW } } });
    // The job is still its own.
    expect(outcome).toMatchObject({
      worker: { state: "running", lease: { jobId: API_JOB_ID, ackedAt: T0 } },
    });
  });

  test("means that its result is lost once that has lasted for two pings", () => {
    const worker = running({ missedAt: NOW });
    expect(missed(worker, at(NOW + LEASE_MISSED_MS - 1))).toEqual({ type: "present" });
    expect(missed(worker, at(NOW + LEASE_MISSED_MS))).toEqual({ type: "lost" });
  });

  test.each<[string, Partial<Worker>]>([
    ["that has not arrived yet", { lease: aLease() }],
    ["of a program that has none", { lease: undefined }],
    ["of one that has ended", { state: "finished", lease: aLease({ ackedAt: T0, missedAt: T0 }) }],
  ])("says nothing %s", (_of, other) => {
    expect(missed(aProgram(other), step)).toEqual({ type: "present" });
  });
});

describe("a word that comes late", () => {
  const HELD_UP = NOW + 60_000;
  const told = (saidAt: number, now = HELD_UP) => ({ ...step, now, saidAt });
  const running = aProgram({ state: "running", lease: aLease({ givenAt: NOW, ackedAt: NOW + 1_000 }) });

  test("is not about a job that was given after it was said", () => {
    const onItsWay = aProgram({ lease: aLease({ givenAt: NOW }) });
    expect(acked(onItsWay, API_JOB_ID, told(NOW - CLOCK_SKEW_MS - 1))).toBeUndefined();
    expect(acked(onItsWay, API_JOB_ID, told(NOW - CLOCK_SKEW_MS))).toMatchObject({ state: "running" });
    expect(isWordOf(aLease({ givenAt: NOW }), told(NOW - CLOCK_SKEW_MS - 1))).toBe(false);
    expect(isWordOf(aLease({ givenAt: NOW }), told(NOW + 5))).toBe(true);
  });

  test("does not miss a job that had just arrived", () => {
    const lost = { ...running, lease: aLease({ givenAt: NOW, ackedAt: NOW + 1_000, missedAt: NOW + 2_000 }) };
    for (const worker of [running, lost]) {
      expect(missed(worker, told(NOW - 1))).toEqual({ type: "present" });
      expect(missed(worker, told(NOW + 1_000 + CLOCK_SKEW_MS - 1))).toEqual({ type: "present" });
    }
    expect(missed(running, told(NOW + 1_000 + CLOCK_SKEW_MS))).toMatchObject({ type: "noted" });
    expect(missed(lost, told(NOW + 1_000 + CLOCK_SKEW_MS))).toEqual({ type: "lost" });
  });

  test("is taken for a new one where the clock was put back: a time to come orders nothing", () => {
    const back = NOW - 3_600_000;
    expect(isWordOf(aLease({ givenAt: NOW }), told(back, back))).toBe(true);
    expect(isAfterLease(aLease({ givenAt: NOW, ackedAt: NOW }), told(back, back))).toBe(true);
    expect(isAfterLease(aLease({ givenAt: NOW }), told(back, NOW))).toBe(false);
  });
});

describe("an answer that was not delivered", () => {
  test("is not counted, and its job stays the program's: it may have arrived all the same", () => {
    const worker = undelivered(given(aProgram(), JOB, step), API_JOB_ID, step) as Worker;
    expect(worker.lease).toEqual(aLease({ givenAt: NOW, times: 0 }));
    expect(undelivered(worker, API_JOB_ID, step)?.lease).toMatchObject({ times: 0 });
  });

  test.each<[string, Partial<Worker>]>([
    ["of another job", { lease: aLease({ jobId: OTHER }) }],
    ["of one that has shown to have arrived", { lease: aLease({ ackedAt: T0 }) }],
    ["after its end", { state: "lost", lease: aLease() }],
    ["of none", {}],
  ])("%s: nothing changes", (_what, other) => {
    expect(undelivered(aProgram(other), API_JOB_ID, step)).toBeUndefined();
  });
});

describe("let go", () => {
  test("the program waits for its next job from now on, whatever became of this one", () => {
    const lease = aLease({ ackedAt: T0 });
    const running = aProgram({
      state: "running",
      phases: { booting: T0, listening: T0, running: T0 + 1 },
      lease,
    });
    const worker = unleased(running, LIFE, step) as Worker;
    expect(worker).toMatchObject({ state: "listening", lease: undefined });
    expect(worker.phases).toEqual({ booting: T0, listening: NOW });
    expect(worker.dueAt).toBe(workerDueAt(worker, LIMITS));
    expect(canTake(worker, NOW)).toBe(true);
  });

  test.each<[string, Partial<Worker>]>([
    ["another job than its own", { lease: aLease({ jobId: OTHER }) }],
    ["another life of its job", { lease: aLease({ generation: 2 }) }],
    ["none", { lease: undefined }],
    ["after its end", { state: "lost", lease: aLease() }],
  ])("%s: nothing changes", (_what, other) => {
    expect(unleased(aProgram(other), LIFE, step)).toBeUndefined();
  });
});
