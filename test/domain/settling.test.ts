// What becomes of a job whose worker has ended.
import { describe, expect, test } from "vitest";
import { decideSettlement } from "../../shared/domain/settling.ts";
import type { Worker, WorkerPhase } from "../../shared/domain/worker.ts";
import type { WorkerOutcome } from "../../shared/domain/worker-report.ts";
import { aGithubSide, aJob, aReport, aWorker, aWorkerId, T0, WORKER_ID } from "./builders.ts";

const job = aJob({ workerId: WORKER_ID });

function ended(outcome: WorkerOutcome | undefined, ...phases: WorkerPhase[]): Worker {
  return aWorker({
    state: outcome === undefined ? "lost" : "finished",
    report: outcome === undefined ? undefined : aReport({ outcome, message: "why" }),
    phases: Object.fromEntries(phases.map((phase, index) => [phase, T0 + index])),
  });
}

describe("nothing, when", () => {
  test.each([
    ["the job has ended", aJob({ workerId: WORKER_ID, state: "COMPLETED" })],
    ["another worker serves it", aJob({ workerId: aWorkerId("w2") })],
    ["it waits again", aJob()],
  ])("%s", (_why, other) => {
    expect(decideSettlement(other, ended("ran", "listening"))).toEqual({ type: "nothing" });
  });
});

describe("GitHub's word is awaited, when", () => {
  test("it has named this runner, whatever the worker says", () => {
    const github = aGithubSide({ status: "in_progress", runner: { id: 900, name: WORKER_ID } });
    for (const outcome of ["ran", "idle", "runner-failed", undefined] as const) {
      const settlement = decideSettlement({ ...job, state: "IN_PROGRESS", github }, ended(outcome));
      expect(settlement).toEqual({ type: "await-word" });
    }
  });

  test.each([
    ["its runner ran a job by its own word", ended("ran")],
    ["its runner printed Running job", ended(undefined, "listening", "running")],
    ["it ran a job and ended badly", ended("runner-failed", "listening", "running")],
  ])("%s", (_why, worker) => expect(decideSettlement(job, worker)).toEqual({ type: "await-word" }));
});

describe("only GitHub can tell, when", () => {
  test.each([
    ["it idled by its own word", ended("idle")],
    ["it listened and was lost", ended(undefined, "listening")],
    ["it listened and its runner failed", ended("runner-failed", "listening")],
    ["it listened and was cancelled", ended("cancelled", "listening")],
    ["it was lost with a registration", { ...ended(undefined, "booting"), registered: true }],
  ])("%s", (_why, worker) => expect(decideSettlement(job, worker)).toEqual({ type: "ask-github" }));
});

describe("a failed start, when", () => {
  test.each(["preflight-failed", "registration-refused", "config-failed", "cancelled"] as const)(
    "its runner never listened: %s",
    (outcome) => {
      expect(decideSettlement(job, ended(outcome, "booting", "preflight"))).toEqual({
        type: "failed-start",
        failure: { outcome, message: "why" },
      });
    },
  );

  test("it was lost before its runner listened: the message says where to look", () => {
    expect(decideSettlement(job, ended(undefined, "booting"))).toEqual({
      type: "failed-start",
      failure: { outcome: "runner-failed", message: expect.stringContaining("pool's log") },
    });
  });
});

test("a job of the API, too, waits again after a failed start", () => {
  const api = aJob({ origin: "api", github: undefined, workerId: WORKER_ID });
  expect(decideSettlement(api, ended("config-failed")).type).toBe("failed-start");
});
