// What the end of a worker says of a job that GitHub has ended: only of its own, and only what is so.
import { describe, expect, test } from "vitest";
import { GITHUB_RECHECK_MS } from "../../../../shared/domain/deadlines.ts";
import { brokenBy, explainedBy, isAskedSince } from "../../../../shared/domain/worker/settling.ts";
import type { Worker } from "../../../../shared/domain/worker/worker.ts";
import { aGithubSide, aJob, aReport, aWorker, aWorkerId, LIMITS, T0, WORKER_ID } from "../../builders.ts";

const reported = aWorker({ state: "finished", report: aReport({ message: "why" }) });
const unheard = aWorker({ state: "lost" });

describe("what only its own worker can tell of a job that GitHub has ended", () => {
  const mine = aGithubSide({
    status: "completed",
    conclusion: "failure",
    runner: { id: 1, name: WORKER_ID },
  });
  const broken = { reason: "worker-lost", message: "the pool says why" } as const;
  const gone: Worker = { ...reported, phases: { running: T0, done: T0 + 1 }, lostWhy: "OOMKilled" };

  test("is not told where the job points to it and ran elsewhere, or ran there and points elsewhere", () => {
    const end = { reason: "workflow-job-failed", message: "", at: T0 } as const;
    const failed = aJob({ workerId: WORKER_ID, state: "FAILED", github: mine, end });
    expect(explainedBy(failed, gone, broken)).toMatchObject({ end: { reason: "worker-lost" } });
    const elsewhere = { ...failed, github: { ...mine, runner: { id: 2, name: "another" } } };
    expect(explainedBy(elsewhere, gone, broken)).toBe(elsewhere);
    const moved = { ...failed, workerId: aWorkerId("w2") };
    expect(explainedBy(moved, gone, broken)).toBe(moved);
  });

  test("overtime is what ran for its limit and has ended, nothing else", () => {
    const lost = (phases: Worker["phases"]) => brokenBy({ ...unheard, phases }, LIMITS)?.reason;
    expect(lost({ running: T0, done: T0 + LIMITS.executionMs })).toBe("execution-timeout");
    expect(lost({ running: T0, done: T0 + LIMITS.executionMs - 1 })).toBe("worker-lost");
    expect(lost({ done: T0 + LIMITS.executionMs })).toBe("worker-lost");
    expect(lost({ running: T0 })).toBe("worker-lost");
  });

  test("nobody has asked for a job without a time to ask, or of a worker that has not ended", () => {
    const asked = { verifyAt: T0 + 1 + GITHUB_RECHECK_MS };
    const at = (phases: Worker["phases"], { verifyAt }: { verifyAt?: number } = asked) =>
      isAskedSince(aJob({ verifyAt }), { ...reported, phases }, T0 + 2);
    expect(at({ done: T0 + 1 })).toBe(true);
    expect(at({ done: T0 + 2 })).toBe(false);
    expect([at({}), at({ done: T0 }, {})]).toEqual([false, false]);
  });
});
