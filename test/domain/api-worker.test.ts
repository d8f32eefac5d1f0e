// Workers of API jobs: the corners that the use cases meet rarely.
import { describe, expect, test } from "vitest";
import { afterFailedStart, settledApi } from "../../shared/domain/api-settling.ts";
import { canServe } from "../../shared/domain/binding.ts";
import { PREPARE_MS } from "../../shared/domain/deadlines.ts";
import { decideOverdue } from "../../shared/domain/overdue.ts";
import type { Worker } from "../../shared/domain/worker.ts";
import { labelsOf } from "../../shared/domain/worker-labels.ts";
import { acked } from "../../shared/domain/worker-lease.ts";
import { API_JOB_ID, anApiJob, aRunnerRequest } from "./api-builders.ts";
import { aJob, anEndpoint, aReport, aWorker, LIMITS, T0, WORKER_ID } from "./builders.ts";

const LEASE = {
  jobId: API_JOB_ID,
  generation: 1,
  givenAt: T0,
  times: 1,
  ackedAt: T0,
  missedAt: undefined,
} as const;

function aProgram(overrides: Partial<Worker> = {}): Worker {
  return aWorker({ kind: "program", jobId: API_JOB_ID, state: "running", lease: LEASE, ...overrides });
}

describe("the end of a worker settles its API job", () => {
  const running = anApiJob({ workerId: WORKER_ID, state: "IN_PROGRESS" }, { startedAt: T0 });
  const timeoutMs = running.api?.policy.executionTimeoutMs ?? 0;
  const settle = (worker: Worker, afterMs: number) => settledApi(running, worker, T0 + afterMs, 0.5);

  test("past its execution timeout it timed out, whatever the worker says", () => {
    const worker = aProgram({ state: "lost" });
    expect(settle(worker, timeoutMs)).toMatchObject({
      state: "TIMED_OUT",
      end: { reason: "execution-timeout" },
    });
    expect(settle(worker, timeoutMs - 1)).toMatchObject({ state: "FAILED" });
  });

  test("a runner that was cancelled after it listened is cancelled", () => {
    const worker = aWorker({
      kind: "api-runner",
      jobId: API_JOB_ID,
      state: "finished",
      phases: { listening: T0 },
      report: aReport({ outcome: "cancelled" }),
    });
    expect(settle(worker, 1)).toMatchObject({ state: "CANCELLED" });
  });

  test("a runner whose report fits no start and no end has failed with its words", () => {
    const worker = aWorker({
      kind: "api-runner",
      jobId: API_JOB_ID,
      state: "finished",
      phases: { listening: T0 },
      report: aReport({ outcome: "runner-failed", message: "it broke" }),
    });
    expect(settle(worker, 1)).toMatchObject({ state: "FAILED", api: { error: "it broke" } });
  });
});

test("a job without an API side is held back like any other", () => {
  const failure = { outcome: "runner-failed", message: "it broke" } as const;
  const next = afterFailedStart(aJob({ workerId: WORKER_ID }), failure, { now: T0, random: 0 });
  expect(next).toMatchObject({ state: "IN_QUEUE", hold: { message: "it broke" } });
});

test("a worker written before there were kinds is a workflow job's", () => {
  const { kind: _kind, ...old } = aWorker({ state: "booted" });
  expect(canServe(old, aJob(), old.scope)).toBe(true);
  expect(canServe({ ...old, kind: "api-runner" }, aJob(), old.scope)).toBe(false);
});

describe("a program that was given a job and has not shown it", () => {
  test("is not idle, however long that takes", () => {
    const unsure = aProgram({
      state: "booted",
      lease: { ...LEASE, ackedAt: undefined },
      phases: { preflight: T0 },
    });
    const moment = { now: T0 + 10 * PREPARE_MS, limits: LIMITS };
    expect(decideOverdue(unsure, "running", moment)).toMatchObject({ type: "wait" });
    expect(decideOverdue({ ...unsure, lease: undefined }, "running", moment)).toEqual({ type: "dismiss" });
  });

  test("shows it once; a second time is no news, of another job neither", () => {
    const step = { now: T0 + 5, limits: LIMITS };
    expect(acked(aProgram(), API_JOB_ID, step)).toBeUndefined();
    expect(acked(aProgram({ lease: undefined }), API_JOB_ID, step)).toBeUndefined();
    expect(acked(aProgram({ state: "lost" }), API_JOB_ID, step)).toBeUndefined();
    expect(acked(aProgram({ lease: { ...LEASE, missedAt: T0 } }), API_JOB_ID, step)).toMatchObject({
      lease: { ackedAt: T0, missedAt: undefined },
    });
  });
});

test("labels that differ in case only are one", () => {
  const job = anApiJob({}, { runner: aRunnerRequest({ labels: ["Linux", "RUNPOD", "fast"] }) });
  const labels = labelsOf(anEndpoint({ selector: "runpod", labels: [] }), WORKER_ID, job);
  expect(labels.filter((label) => /linux|runpod/i.test(label))).toEqual(["runpod", "linux"]);
  expect(labels).toContain("fast");
});
