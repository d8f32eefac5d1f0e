// An API job and the worker that it names: paired, apart, lost, ended, or nobody knows.
import { expect, test } from "vitest";
import { jobId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { Pair } from "../../../shared/domain/worker/compare-pair.ts";
import { comparePair } from "../../../shared/domain/worker/compare-pair.ts";
import type { JobLease, Worker } from "../../../shared/domain/worker/worker.ts";
import { aWorker, T0, WORKER_ID } from "../builders.ts";
import { API_JOB_ID, anApiJob, aRunnerRequest } from "../job/api-builders.ts";

const OTHER = jobId("another-e1");
const bound = anApiJob({ workerId: WORKER_ID });
const begun: Job = { ...bound, state: "IN_PROGRESS" };

function aProgram(more: Partial<Worker> = {}): Worker {
  return aWorker({ kind: "program", jobId: API_JOB_ID, state: "listening", ...more });
}

function leaseOf(job = API_JOB_ID, generation = 1): JobLease {
  return { jobId: job, generation, givenAt: T0, times: 1, ackedAt: undefined, missedAt: undefined };
}

test.each<[string, Worker | undefined, Pair, Pair]>([
  ["points to it", aProgram(), "paired", "paired"],
  ["was given it", aProgram({ lease: leaseOf() }), "paired", "paired"],
  ["was given its life before", aProgram({ lease: { ...leaseOf(), generation: 0 } }), "apart", "lost"],
  ["points to another job", aProgram({ jobId: OTHER }), "apart", "lost"],
  ["was given another job", aProgram({ jobId: OTHER, lease: leaseOf(OTHER) }), "apart", "lost"],
  ["has just ended with it", aProgram({ state: "lost" }), "paired", "paired"],
  ["has ended with another job", aProgram({ state: "finished", jobId: OTHER }), "ended", "ended"],
  ["is released", aProgram({ state: "released" }), "ended", "ended"],
  ["has no record", undefined, "apart", "unknown"],
])("its worker %s", (_what, worker, inQueue, inProgress) => {
  expect(comparePair(bound, worker)).toBe(inQueue);
  expect(comparePair(begun, worker)).toBe(inProgress);
});

test("a runner may run its workflow job, whatever its worker's record says", () => {
  const api = { runner: aRunnerRequest() };
  const adopted = aWorker({ kind: "github", jobId: OTHER, state: "running" });
  expect(comparePair(anApiJob({ workerId: WORKER_ID, state: "IN_PROGRESS" }, api), adopted)).toBe("paired");
  expect(comparePair(anApiJob({ workerId: WORKER_ID }, api), adopted)).toBe("apart");
});
