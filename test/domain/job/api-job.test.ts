// When an API job ends by itself, and when the reconciler looks at it.
import { expect, test } from "vitest";
import { RUN_CHECK_MS } from "../../../shared/domain/deadlines.ts";
import type { ApiSide } from "../../../shared/domain/job/api-job.ts";
import { apiDeadlines, linksDueAt } from "../../../shared/domain/job/api-job.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { jobDueAt } from "../../../shared/domain/job/job.ts";
import { T0 } from "../builders.ts";
import { anApiJob, aRunnerRequest, RUN } from "./api-builders.ts";

const DAY_MS = 86_400_000;

function deadlines(job: Job) {
  return apiDeadlines(job.api as ApiSide, job);
}

test("while queued the ttl counts, from submission or the last retry on", () => {
  const job = anApiJob({ admitAt: undefined });
  expect(deadlines(job)).toEqual({ ttlAt: T0 + DAY_MS, executionAt: undefined });
  expect(jobDueAt(job)).toBe(T0 + DAY_MS);
  expect(jobDueAt({ ...job, queuedAt: T0 + 5 })).toBe(T0 + 5 + DAY_MS);
});

test("while in progress the execution time counts too, the ttl goes on", () => {
  const job = anApiJob({ state: "IN_PROGRESS" }, { startedAt: T0 + 7 });
  expect(deadlines(job)).toEqual({ ttlAt: T0 + DAY_MS, executionAt: T0 + 7 + 600_000 });
  expect(jobDueAt(job)).toBe(T0 + 7 + 600_000);
  const late = anApiJob({ state: "IN_PROGRESS" }, { startedAt: T0 + DAY_MS - 5 });
  expect(jobDueAt(late)).toBe(T0 + DAY_MS);
});

test("a job that waits again after a start does not run", () => {
  expect(deadlines(anApiJob({}, { startedAt: T0 })).executionAt).toBeUndefined();
  expect(deadlines(anApiJob({ state: "IN_PROGRESS" })).executionAt).toBeUndefined();
});

test("a runner's ttl ends with its pickup, a program's does not", () => {
  const job = anApiJob({ state: "IN_PROGRESS", phases: { running: T0 } }, { startedAt: T0 });
  const runner = anApiJob({ ...job }, { ...job.api, runner: aRunnerRequest() });
  expect(deadlines(runner).ttlAt).toBeUndefined();
  const waiting = anApiJob({}, { runner: aRunnerRequest() });
  expect(deadlines(waiting).ttlAt).toBe(T0 + DAY_MS);
  expect(deadlines(job).ttlAt).toBe(T0 + DAY_MS);
});

test("an ended job is due for its callback only", () => {
  const callback = { url: "https://example.org/", tries: 1, dueAt: T0 + 3 };
  expect(jobDueAt(anApiJob({ state: "FAILED" }, { callback }))).toBe(T0 + 3);
  expect(jobDueAt(anApiJob({ state: "FAILED" }))).toBeUndefined();
});

test("a job of a run is due when that run is looked at", () => {
  const job = anApiJob({ admitAt: undefined }, { run: RUN });
  expect(jobDueAt(job)).toBe(T0 + RUN_CHECK_MS);
  expect(jobDueAt({ ...job, verifyAt: T0 + 9 })).toBe(T0 + 9);
  expect(linksDueAt(anApiJob({ verifyAt: T0 + 9 }))).toBeUndefined();
});
