// What becomes of an API job whose worker has ended: at least once for what never began, at most once for what may have.
import { describe, expect, test } from "vitest";
import { MAX_FAST_STARTS, START_RETRY_MIN_MS } from "../../../../shared/domain/deadlines.ts";
import { jobId } from "../../../../shared/domain/ids.ts";
import type { Job } from "../../../../shared/domain/job/job.ts";
import { isWaiting } from "../../../../shared/domain/job/job.ts";
import { inlinePayload } from "../../../../shared/domain/job/payload.ts";
import { afterFailedStart, settledApi } from "../../../../shared/domain/worker/api-settling.ts";
import type { JobLease, Worker } from "../../../../shared/domain/worker/worker.ts";
import type { WorkerOutcome } from "../../../../shared/domain/worker-report.ts";
import { aJob, aReport, aWorker, aWorkerId, T0, WORKER_ID } from "../../builders.ts";
import { API_JOB_ID, anApiJob } from "../../job/api-builders.ts";

const NOW = T0 + 60_000;
const TIMEOUT_MS = 600_000;
const claimed = anApiJob({ workerId: WORKER_ID, phases: { queued: T0, starting: T0 + 1 } });
const LEASE: JobLease = {
  jobId: API_JOB_ID,
  generation: 1,
  givenAt: T0,
  times: 1,
  ackedAt: undefined,
  missedAt: undefined,
};

function aRunner(outcome: WorkerOutcome | undefined, more: Partial<Worker> = {}): Worker {
  const report = outcome === undefined ? undefined : aReport({ outcome, message: "why" });
  return aWorker({ kind: "api-runner", jobId: API_JOB_ID, state: "finished", report, ...more });
}

function aProgram(outcome: WorkerOutcome | undefined, more: Partial<Worker> = {}): Worker {
  return aRunner(outcome, { kind: "program", ...more });
}

function settle(worker: Worker, job: Job = claimed, now = NOW): Job {
  return settledApi(job, worker, now, 0);
}

describe("nothing changes", () => {
  test.each([
    ["for a workflow job", aJob({ workerId: WORKER_ID })],
    ["for a job that has ended", { ...claimed, state: "COMPLETED" as const }],
    ["for one that another worker has", { ...claimed, workerId: aWorkerId("w2") }],
    ["for one that waits again", { ...claimed, workerId: undefined }],
  ])("%s", (_for, job) => {
    expect(settle(aRunner("ran"), job)).toBe(job);
    expect(settle(aRunner("config-failed"), job)).toBe(job);
  });
});

describe("its own word is the result of a runner", () => {
  const listened = { phases: { listening: T0 } };

  test.each([
    ["ran", "COMPLETED", "succeeded"],
    ["idle", "TIMED_OUT", "never-picked-up"],
    ["cancelled", "CANCELLED", "cancelled-before-pickup"],
    ["runner-died", "FAILED", "runner-died"],
    ["runner-failed", "FAILED", "start-failed"],
    ["runner-too-old", "FAILED", "image-unusable"],
    ["no-runner", "FAILED", "image-unusable"],
    ["registration-refused", "FAILED", "registration-refused"],
    ["preflight-failed", "FAILED", "preflight-failed"],
  ] as const)("that says %s: %s, %s, with the whole report as its output", (outcome, state, reason) => {
    const worker = aRunner(outcome, listened);
    const job = settle(worker);
    expect(job).toMatchObject({ state, end: { reason, at: NOW } });
    expect(job.api?.output).toEqual(inlinePayload(JSON.stringify(worker.report)));
    const hasFailed = state === "FAILED" || state === "TIMED_OUT";
    expect(job.api?.error === undefined).toBe(!hasFailed);
  });

  test("that was stopped in the middle of a workflow job: it failed, and not by its own fault", () => {
    const worker = aRunner("cancelled", listened);
    const report = { ...worker.report!, jobName: "build" };
    expect(settle({ ...worker, report })).toMatchObject({
      state: "FAILED",
      end: { reason: "worker-stopped", message: "why" },
    });
    expect(settle({ ...worker, report, lostWhy: "its pod was evicted" }).end?.message).toBe(
      "why; its pod was evicted",
    );
  });

  test("the end says why: its message, and for one that nobody asked for what was missing", () => {
    expect(settle(aRunner("ran", listened)).end?.message).toBe("why");
    expect(settle(aRunner("runner-failed", listened)).api?.error).toBe("why");
    expect(settle(aRunner("idle", listened))).toMatchObject({
      end: { message: expect.stringContaining("no workflow job asked for its runner's label") },
      api: { error: expect.stringMatching(/^never picked up/) },
    });
  });

  test.each(["ran", "idle", "cancelled"] as const)("though it never said that it listened: %s", (outcome) => {
    expect(settle(aRunner(outcome)).state).not.toBe("IN_QUEUE");
  });
});

describe("what may have begun is never started again", () => {
  test.each<[string, Worker]>([
    ["a runner that listened", aRunner(undefined, { phases: { listening: T0 } })],
    ["a runner that ran a job", aRunner(undefined, { phases: { running: T0 } })],
    ["a runner that had its registration and said nothing more", aRunner(undefined, { registered: true })],
    ["a program that was known to have the job", aProgram(undefined, { lease: { ...LEASE, ackedAt: T0 } })],
  ])("%s", (_which, worker) => {
    const job = settle(worker);
    expect(job).toMatchObject({ state: "FAILED", end: { reason: "worker-lost" } });
    expect(job.api?.error).toMatch(/the work may have been done in part$/);
    const told = settle({ ...worker, lostWhy: "OOMKilled" });
    expect(told.api?.error).toMatch(/may have been done in part: OOMKilled$/);
  });
});

describe("what never began is tried again", () => {
  test.each<[string, Worker]>([
    ["a runner that failed before it had its registration", aRunner("config-failed")],
    ["a runner that failed with a registration, and says so", aRunner("config-failed", { registered: true })],
    ["a runner that was lost before it had one", aRunner(undefined, { phases: { preflight: T0 } })],
    ["a program that was given the job and has not shown it", aProgram(undefined, { lease: LEASE })],
    ["a program that was given none", aProgram("idle")],
  ])("%s", (_which, worker) => {
    const job = settle(worker);
    expect(job).toMatchObject({
      state: "IN_QUEUE",

      workerId: undefined,
      failedStarts: 1,
      hold: { reason: "start-backoff", until: NOW + START_RETRY_MIN_MS },
    });
  });

  test.each(["idle", undefined] as const)(
    "at once where a program that had served others ended: %s",
    (outcome) => {
      const warm = aProgram(outcome, { phases: { listening: T0 } });
      const job = settle(warm);
      expect(job).toMatchObject({ state: "IN_QUEUE", workerId: undefined, failedStarts: 0 });
      expect(job.hold).toBeUndefined();
    },
  );

  test.each([
    ["another job", { jobId: jobId("another-e1") }],
    ["another life of it", { generation: 2 }],
  ])("but not where its program had turned to %s: its result was lost", (_what, other) => {
    const turned = aProgram(undefined, { lease: { ...LEASE, ...other } });
    expect(settle(turned, { ...claimed, state: "IN_PROGRESS" })).toMatchObject({
      state: "FAILED",
      end: { reason: "worker-lost" },
    });
    expect(settle(turned)).toMatchObject({ state: "IN_QUEUE" });
  });

  test("as new: nothing of the start that failed is left", () => {
    const begun = anApiJob(
      {
        workerId: WORKER_ID,
        formerWorkerId: aWorkerId("w0"),
        state: "IN_PROGRESS",
        phases: { queued: T0, starting: T0 + 1, running: T0 + 2 },
      },
      { startedAt: T0 + 2, output: inlinePayload("1") },
    );
    const job = settle(aProgram(undefined, { lease: LEASE }), begun);
    expect(job).toMatchObject({ state: "IN_QUEUE", workerId: undefined, formerWorkerId: undefined });
    expect(job.phases).toEqual({ queued: T0, held: NOW });
    expect(job.api).toMatchObject({ generation: 1, startedAt: undefined, output: undefined });
    expect(isWaiting({ ...job, hold: undefined })).toBe(true);
  });
});

describe("tries have an end", () => {
  const fail = (job: Job, outcome: "refused" | WorkerOutcome, lost?: boolean) =>
    afterFailedStart(job, { outcome, message: "no card" }, { now: NOW, random: 0, ...(lost && { lost }) });

  test("the third failed start is the last, and the reason says how often it was tried", () => {
    const before = { ...claimed, failedStarts: MAX_FAST_STARTS - 2 };
    expect(fail(before, "preflight-failed").state).toBe("IN_QUEUE");
    const job = fail({ ...claimed, failedStarts: MAX_FAST_STARTS - 1 }, "preflight-failed");
    const message = `no card (${MAX_FAST_STARTS} tries to start a worker)`;
    expect(job).toMatchObject({
      state: "FAILED",
      end: { reason: "preflight-failed", message },
      api: { error: message },
    });
  });

  test("a worker that vanished without a word is tried twice in all: it may take others with it", () => {
    expect(fail(claimed, "runner-failed", true).state).toBe("IN_QUEUE");
    expect(fail({ ...claimed, failedStarts: 1 }, "runner-failed", true).state).toBe("FAILED");
    expect(fail({ ...claimed, failedStarts: 1 }, "runner-failed").state).toBe("IN_QUEUE");
    expect(settle(aRunner(undefined), { ...claimed, failedStarts: 1 }).state).toBe("FAILED");
    expect(settle(aRunner("config-failed"), { ...claimed, failedStarts: 1 }).state).toBe("IN_QUEUE");
  });

  test.each([
    ["registration-refused", "registration-refused"],
    ["runner-too-old", "image-unusable"],
    ["no-runner", "image-unusable"],
  ] as const)("what a second try cannot mend fails at once: %s", (outcome, reason) => {
    expect(fail(claimed, outcome)).toMatchObject({
      state: "FAILED",
      end: { reason, message: "no card (1 try to start a worker)" },
    });
  });

  test("a refusal of the pool is worth a few fast tries, and is named in the end", () => {
    const job = fail(claimed, "refused");
    expect(job).toMatchObject({ state: "IN_QUEUE", hold: { reason: "start-backoff", message: "no card" } });
    const last = fail({ ...claimed, failedStarts: MAX_FAST_STARTS - 1 }, "refused");
    expect(last).toMatchObject({ state: "FAILED", end: { reason: "start-refused" } });
  });
});

test("past its execution timeout it timed out, whatever its worker says", () => {
  const running = anApiJob({ workerId: WORKER_ID, state: "IN_PROGRESS" }, { startedAt: T0 });
  const worker = aProgram("ran", { lease: { ...LEASE, ackedAt: T0 } });
  expect(settle(worker, running, T0 + TIMEOUT_MS)).toMatchObject({
    state: "TIMED_OUT",
    end: { reason: "execution-timeout" },
    api: { error: `ran longer than its execution timeout of ${TIMEOUT_MS} ms` },
  });
  expect(settle(worker, running, T0 + TIMEOUT_MS - 1).state).toBe("COMPLETED");
  expect(settle(worker, claimed, T0 + TIMEOUT_MS).state).toBe("COMPLETED");
});
