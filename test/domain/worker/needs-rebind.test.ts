// Which jobs and runners are still to be paired, and when they are looked at again.
import { expect, test } from "vitest";
import { GITHUB_RECHECK_MS } from "../../../shared/domain/deadlines.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { dueUntilRebound, isUnpaired, needsRebind } from "../../../shared/domain/worker/needs-rebind.ts";
import { aGithubSide, aJob, aWorkerId, T0, WORKER_ID } from "../builders.ts";
import { anApiJob } from "../job/api-builders.ts";

const OTHER = aWorkerId("npud-t3st00-worker0002");

function named(name: string, more: Partial<Job> = {}): Job {
  const github = aGithubSide({ status: "in_progress", runner: { id: 1, name } });
  return aJob({ state: "IN_PROGRESS", workerId: WORKER_ID, github, ...more });
}

test.each<[string, Job, boolean]>([
  ["no runner is named", aJob({ workerId: WORKER_ID }), false],
  ["it is its own", named(WORKER_ID), false],
  ["it is another's", named(OTHER), true],
  ["the swap is not finished", named(WORKER_ID, { formerWorkerId: OTHER }), true],
  ["it is no workflow job", anApiJob({ workerId: WORKER_ID }), false],
])("to be paired again: %s", (_what, job, expected) => expect(needsRebind(job)).toBe(expected));

test.each<[string, Job, boolean]>([
  ["waits in its lane", aJob(), false],
  ["is being started", aJob({ workerId: WORKER_ID }), true],
  ["is held", aJob({ hold: { reason: "start-backoff", message: "", until: T0 } }), true],
  ["runs on its own worker", named(WORKER_ID), false],
  ["runs on its own worker, and is to be asked about", named(WORKER_ID, { verifyAt: T0 }), true],
  ["runs on another's", named(OTHER), true],
  ["has ended on another's", named(OTHER, { state: "COMPLETED" }), false],
  ["is no workflow job", anApiJob({ workerId: WORKER_ID }), false],
])("no runner is known to be at work on one that %s", (_what, job, expected) =>
  expect(isUnpaired(job)).toBe(expected),
);

test("a job that is to be paired is due soon, and not put off where it is due already", () => {
  const soon = T0 + GITHUB_RECHECK_MS;
  expect(dueUntilRebound(named(OTHER), T0).verifyAt).toBe(soon);
  expect(dueUntilRebound(named(OTHER, { verifyAt: soon + 1 }), T0).verifyAt).toBe(soon);
  for (const job of [
    named(OTHER, { verifyAt: soon }),
    named(OTHER, { verifyAt: T0 - 1 }),
    named(WORKER_ID),
    named(OTHER, { state: "FAILED" }),
  ])
    expect(dueUntilRebound(job, T0)).toBe(job);
});
