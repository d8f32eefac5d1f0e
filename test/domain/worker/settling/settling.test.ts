// What becomes of a job whose worker has ended.
import { describe, expect, test } from "vitest";
import { GITHUB_RECHECK_MS } from "../../../../shared/domain/deadlines.ts";
import { advanceByWord } from "../../../../shared/domain/job/job-events.ts";
import {
  brokenBy,
  decideSettlement,
  explainedBy,
  failureOf,
  isAskedSince,
  toldLoss,
} from "../../../../shared/domain/worker/settling.ts";
import type { Worker, WorkerPhase } from "../../../../shared/domain/worker/worker.ts";
import type { WorkerOutcome, WorkerReport } from "../../../../shared/domain/worker-report.ts";
import {
  aGithubSide,
  aJob,
  aReport,
  aWord,
  aWorker,
  aWorkerId,
  LIMITS,
  T0,
  WORKER_ID,
} from "../../builders.ts";

const job = aJob({ workerId: WORKER_ID });

function ended(outcome: WorkerOutcome | undefined, ...phases: WorkerPhase[]): Worker {
  return aWorker({
    state: outcome === undefined ? "lost" : "finished",
    report: outcome === undefined ? undefined : aReport({ outcome, message: "why" }),
    phases: Object.fromEntries(phases.map((phase, index) => [phase, T0 + index])),
  });
}

function reporting(report: Partial<WorkerReport>): Worker {
  return { ...ended("ran", "listening"), report: aReport(report) };
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
    ["its ping that it listened was lost, and it ran a job", ended(undefined, "running")],
    ["that ping was lost, and it ended badly", ended("runner-failed", "running")],
    ["it ran a job and ended badly", ended("runner-failed", "listening", "running")],
    ["its runner died in a job, and no ping told of that", ended("runner-died", "listening")],
  ])("%s", (_why, worker) => expect(decideSettlement(job, worker)).toEqual({ type: "await-word" }));
});

describe("only GitHub can tell, when", () => {
  test.each([
    ["it idled by its own word", ended("idle")],
    ["it listened and was lost", ended(undefined, "listening")],
    ["it listened and its runner failed", ended("runner-failed", "listening")],
    ["it listened and was cancelled", ended("cancelled", "listening")],
    ["its runner died before it had a job", reporting({ outcome: "runner-died", jobName: undefined })],
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

  test("it failed with a registration, and says so: GitHub need not be asked", () => {
    const failed = { ...ended("config-failed", "booting", "registering"), registered: true };
    expect(decideSettlement(job, failed).type).toBe("failed-start");
  });

  test("it was lost before its runner listened: the message says where to look", () => {
    expect(decideSettlement(job, ended(undefined, "booting"))).toEqual({
      type: "failed-start",
      failure: { outcome: "runner-failed", message: expect.stringContaining("pool's log") },
    });
  });
});

describe("what is known of the loss of a worker", () => {
  const gone = { ...ended(undefined, "booting"), lostWhy: "OOMKilled" };

  test("is in the reason of the next start", () => {
    const message = "its worker ended without a report: OOMKilled";
    expect(failureOf(gone)).toEqual({ outcome: "runner-failed", message });
    expect(failureOf(undefined).message).toContain("pool's log");
  });

  test("is kept with its job, for GitHub's word will not say it: the first that is known", () => {
    const broken = brokenBy(gone, LIMITS);
    expect(broken).toEqual({
      reason: "worker-lost",
      message: "its worker ended without a report: OOMKilled",
    });
    const told = toldLoss(job, broken);
    expect(told).toEqual({ ...job, broken });
    expect(toldLoss(told, { reason: "worker-stopped", message: "later" })).toBe(told);
    expect(toldLoss(job, brokenBy(ended("ran"), LIMITS))).toBe(job);
    expect(brokenBy(ended(undefined, "running"), LIMITS)?.message).toContain("pool's log");
  });

  test("says nothing of a job that had ended before", () => {
    const github = aGithubSide({ status: "in_progress", runner: { id: 900, name: WORKER_ID } });
    const word = aWord({ status: "completed", conclusion: "failure", runner: { id: 900, name: WORKER_ID } });
    const failed = advanceByWord(aJob({ workerId: WORKER_ID, state: "IN_PROGRESS", github }), word, T0);
    expect(explainedBy(failed, gone, brokenBy(gone, LIMITS))).toBe(failed);
  });

  test("the pool names who stopped it, which counts before a cancel; without that, who cancelled did so", () => {
    const evicted = { ...stopped("Canceled"), lostWhy: "its container was evicted (Evicted)" };
    const broken = brokenBy(evicted, LIMITS);
    const message = "by its worker: It was stopped; its container was evicted (Evicted)";
    expect(broken).toEqual({ reason: "worker-stopped", message });
    const github = aGithubSide({ status: "in_progress", runner: { id: 900, name: WORKER_ID } });
    const word = aWord({
      status: "completed",
      conclusion: "cancelled",
      runner: { id: 900, name: WORKER_ID },
    });
    const cancelled = advanceByWord(aJob({ workerId: WORKER_ID, state: "IN_PROGRESS", github }), word, T0);
    expect(explainedBy(cancelled, evicted, broken)).toMatchObject({
      state: "CANCELLED",
      end: { reason: "worker-stopped", message: expect.stringContaining(message) },
    });
    const byHand = stopped("Canceled");
    expect(explainedBy(cancelled, byHand, brokenBy(byHand, LIMITS))).toBe(cancelled);
    expect(failureOf({ ...evicted, report: { ...evicted.report!, jobName: undefined } }).message).toBe(
      "It was stopped; its container was evicted (Evicted)",
    );
  });

  const died = reporting({ outcome: "runner-died", message: "The runner died." });
  const stopped = (result: string | undefined, ranMs = 5) => ({
    ...reporting({ outcome: "cancelled", jobName: "build", result, message: "It was stopped." }),
    phases: { running: T0, done: T0 + ranMs },
  });

  // GitHub says failure of all of them.
  test.each([
    ["a runner that died", died, "runner-died"],
    ["a worker that was stopped", stopped("Canceled"), "worker-stopped"],
    ["one that was stopped and killed", stopped(undefined), "worker-stopped"],
    ["one that was stopped at its limit", stopped("Canceled", LIMITS.executionMs), "execution-timeout"],
    ["one that was stopped when its job had ended", stopped("Failed"), undefined],
    ["one that was stopped before it had a job", reporting({ outcome: "cancelled" }), undefined],
    ["one whose job failed", reporting({ result: "Failed" }), undefined],
    ["one that was drained as its job came", reporting({ result: undefined }), undefined],
  ])("the job of %s: %s", (_what, worker, reason) => {
    const broken = brokenBy(worker, LIMITS);
    expect(broken?.reason).toBe(reason);
    const github = aGithubSide({ status: "in_progress", runner: { id: 900, name: WORKER_ID } });
    const atWork = aJob({ workerId: WORKER_ID, state: "IN_PROGRESS", github });
    const word = aWord({ status: "completed", conclusion: "failure", runner: { id: 900, name: WORKER_ID } });
    // Whoever comes first: the worker or GitHub.
    const later = advanceByWord(toldLoss(atWork, broken), word, T0);
    const sooner = explainedBy(advanceByWord(atWork, word, T0), worker, broken);
    expect(later.end).toEqual(sooner.end);
    expect(sooner).toMatchObject({ state: "FAILED", end: { reason: reason ?? "workflow-job-failed" } });
    expect(explainedBy(sooner, worker, broken)).toBe(sooner);
    if (reason)
      expect(sooner.end?.message).toMatch(/^GitHub: failure on .*; by its worker: (The|It) .*[^.]$/);
  });

  test("processes killed for lack of memory are named, whoever comes first, once, and of a failure alone", () => {
    const memoryKills = { killed: 2, limitBytes: 400 * 1_048_576 };
    const starved = reporting({ outcome: "ran", jobName: "build", result: "Failed", memoryKills });
    const broken = brokenBy(starved, LIMITS);
    const github = aGithubSide({ status: "in_progress", runner: { id: 900, name: WORKER_ID } });
    const atWork = aJob({ workerId: WORKER_ID, state: "IN_PROGRESS", github });
    const word = aWord({ status: "completed", conclusion: "failure", runner: { id: 900, name: WORKER_ID } });
    const later = advanceByWord(toldLoss(atWork, broken), word, T0);
    const sooner = explainedBy(advanceByWord(atWork, word, T0), starved, broken);
    expect(sooner.end).toEqual(later.end);
    expect(sooner.end).toMatchObject({
      reason: "workflow-job-failed",
      message: `GitHub: failure on ${WORKER_ID}; 2 processes were killed for lack of memory; limit 400 MiB`,
    });
    expect(explainedBy(sooner, starved, broken)).toBe(sooner);
    const one = { ...starved, report: { ...starved.report!, memoryKills: { killed: 1 } } };
    expect(brokenBy(one, LIMITS)?.message).toBe("1 process was killed for lack of memory");
    expect(brokenBy(reporting({ outcome: "ran", result: "Succeeded", memoryKills }), LIMITS)).toBeUndefined();
  });

  test("another worker's, and a success, stay what they are", () => {
    const github = aGithubSide({ status: "in_progress", runner: { id: 900, name: WORKER_ID } });
    const broken = brokenBy(died, LIMITS);
    const failed = aJob({ workerId: aWorkerId("w2"), state: "FAILED", github });
    expect(explainedBy(failed, died, broken)).toBe(failed);
    const good = aWord({ status: "completed", conclusion: "success", runner: { id: 900, name: WORKER_ID } });
    const done = advanceByWord({ ...job, state: "IN_PROGRESS", github, broken: broken! }, good, T0);
    expect(done).toMatchObject({ state: "COMPLETED", end: { reason: "succeeded" } });
    expect(explainedBy(done, died, broken)).toBe(done);
  });

  test("a failed preflight names the node: the next worker goes elsewhere", () => {
    const place = { node: "n1", devices: ["2"] };
    expect(failureOf({ ...ended("preflight-failed"), place })).toMatchObject({ node: "n1" });
    expect(failureOf(ended("preflight-failed")).node).toBeUndefined();
    expect(failureOf({ ...ended("config-failed"), place })).not.toHaveProperty("node");
  });
});

test("a job of the API, too, waits again after a failed start", () => {
  const api = aJob({ origin: "api", github: undefined, workerId: WORKER_ID });
  expect(decideSettlement(api, ended("config-failed")).type).toBe("failed-start");
});

describe("GitHub has been asked about a job since its worker ended", () => {
  const worker = aWorker({ state: "finished", phases: { done: T0 } });
  const asked = (verifyAt: number | undefined, now = T0 + 60_000) =>
    isAskedSince(aJob({ verifyAt }), worker, now);

  test("when its next question is as far from now as one that was asked since", () => {
    expect(asked(T0 + GITHUB_RECHECK_MS)).toBe(true);
    expect(asked(T0 + GITHUB_RECHECK_MS - 1)).toBe(false);
    expect(asked(T0 + 60_000 + GITHUB_RECHECK_MS)).toBe(true);
    expect(asked(T0 + 60_000 + GITHUB_RECHECK_MS + 1)).toBe(false);
  });

  test("not when none is set, or nobody knows when its worker ended", () => {
    expect(asked(undefined)).toBe(false);
    expect(isAskedSince(aJob({ verifyAt: T0 + GITHUB_RECHECK_MS }), aWorker(), T0)).toBe(false);
  });
});
