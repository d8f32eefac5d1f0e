// Workers of API jobs: the corners that the use cases meet rarely.
import { describe, expect, test } from "vitest";
import { runnerLabels } from "../../../shared/domain/admission/endpoint.ts";
import { PREPARE_MS } from "../../../shared/domain/deadlines.ts";
import { afterFailedStart } from "../../../shared/domain/worker/api-settling.ts";
import { canServe } from "../../../shared/domain/worker/binding.ts";
import { decideOverdue } from "../../../shared/domain/worker/overdue.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { hasDefaultLabels, labelsOf } from "../../../shared/domain/worker/worker-labels.ts";
import { aJob, anEndpoint, aWorker, LIMITS, T0, WORKER_ID } from "../builders.ts";
import { API_JOB_ID, anApiJob, aRunnerRequest } from "../job/api-builders.ts";

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

test("a job without an API side is held back like any other", () => {
  const failure = { outcome: "runner-failed", message: "it broke" } as const;
  const next = afterFailedStart(aJob({ workerId: WORKER_ID }), failure, { now: T0, random: 0 });
  expect(next).toMatchObject({ state: "IN_QUEUE", hold: { message: "it broke" } });
  expect(next.api).toBeUndefined();
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
    const moment = { now: T0 + 10 * PREPARE_MS, limits: { ...LIMITS, executionMs: 20 * PREPARE_MS } };
    expect(decideOverdue(unsure, "running", moment)).toMatchObject({ type: "wait" });
    expect(decideOverdue({ ...unsure, lease: undefined }, "running", moment)).toEqual({ type: "dismiss" });
  });
});

test("labels that differ in case only are one", () => {
  const job = anApiJob({}, { runner: aRunnerRequest({ labels: ["Linux", "RUNPOD", "fast"] }) });
  const labels = labelsOf(anEndpoint({ selector: "runpod", labels: [] }), WORKER_ID, job);
  expect(labels.filter((label) => /linux|runpod/i.test(label))).toEqual(["runpod", "linux"]);
  expect(labels).toContain("fast");
});

test("the runner of an API job has the labels that RunPod's own has, and those that only it has", () => {
  const [plain, job] = [anEndpoint(), anApiJob({}, { runner: aRunnerRequest({ labels: ["fast"] }) })];
  expect(labelsOf(plain, WORKER_ID, job)).toEqual([
    ...runnerLabels({ ...plain, defaultLabels: true }),
    WORKER_ID,
    "npud-job-abcdefghijkl",
    "fast",
  ]);
  expect(labelsOf(plain, WORKER_ID, aJob())).toEqual(runnerLabels(plain));
});

test("GitHub's own labels are on a runner where the endpoint says so, and on each of an API job", () => {
  const runner = anApiJob({}, { runner: aRunnerRequest() });
  const has = [aJob(), anApiJob(), runner].map((job) => hasDefaultLabels(anEndpoint(), job));
  expect(has).toEqual([false, false, true]);
  expect(hasDefaultLabels(anEndpoint({ defaultLabels: true }), aJob())).toBe(true);
});
