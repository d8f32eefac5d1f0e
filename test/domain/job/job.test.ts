// What a job's record says about itself: has it ended, does it wait, when must it be looked at.
import { describe, expect, test } from "vitest";
import { EXECUTION_MS, STARTED_CHECK_MS, WAITING_CHECK_MS } from "../../../shared/domain/deadlines.ts";
import type { Hold, JobState } from "../../../shared/domain/job/job.ts";
import { isTerminal, isWaiting, jobDueAt, nextLookAt } from "../../../shared/domain/job/job.ts";
import { aJob, T0, WORKER_ID } from "../builders.ts";

const backoff: Hold = { reason: "start-backoff", message: "the pool refused", until: T0 + 5 };
const gate: Hold = { reason: "environment-gate", message: "waits for an approval", until: undefined };

test.each<[JobState, boolean]>([
  ["IN_QUEUE", false],
  ["IN_PROGRESS", false],
  ["COMPLETED", true],
  ["FAILED", true],
  ["CANCELLED", true],
  ["TIMED_OUT", true],
])("%s is terminal: %s", (state, terminal) => {
  expect(isTerminal(aJob({ state }))).toBe(terminal);
});

describe("a job is in its lane", () => {
  test("while it waits for a card and for nothing else", () => expect(isWaiting(aJob())).toBe(true));

  test.each([
    ["held", aJob({ hold: gate })],
    ["served", aJob({ workerId: WORKER_ID })],
    ["in progress", aJob({ state: "IN_PROGRESS" })],
    ["cancelled", aJob({ state: "CANCELLED" })],
  ])("not while %s", (_why, job) => expect(isWaiting(job)).toBe(false));
});

describe("a job is due", () => {
  test("a day and an hour after it was queued, where only an event or its lane moves it", () => {
    expect(jobDueAt(aJob())).toBe(T0 + WAITING_CHECK_MS);
    expect(jobDueAt(aJob({ hold: gate }))).toBe(T0 + WAITING_CHECK_MS);
    expect(jobDueAt(aJob({ phases: {}, queuedAt: T0 - 1 }))).toBe(T0 - 1 + WAITING_CHECK_MS);
  });

  test("half an hour after its start, and once it has run for the longest time", () => {
    const bound = { workerId: WORKER_ID, phases: { queued: T0, starting: T0 + 1 } };
    expect(jobDueAt(aJob(bound))).toBe(T0 + 1 + STARTED_CHECK_MS);
    const phases = { ...bound.phases, running: T0 + 2 };
    expect(jobDueAt(aJob({ ...bound, state: "IN_PROGRESS", phases }))).toBe(T0 + 2 + EXECUTION_MS);
  });

  test("after a look as long again, where its time has passed", () => {
    expect(nextLookAt(aJob(), T0 + WAITING_CHECK_MS - 1)).toBeUndefined();
    expect(nextLookAt(aJob(), T0 + WAITING_CHECK_MS)).toBe(T0 + 2 * WAITING_CHECK_MS);
  });

  test("at the earliest of the end of its hold and the question to GitHub", () => {
    expect(jobDueAt(aJob({ hold: backoff }))).toBe(T0 + 5);
    expect(jobDueAt(aJob({ hold: backoff, verifyAt: T0 + 3 }))).toBe(T0 + 3);
    expect(jobDueAt(aJob({ hold: backoff, verifyAt: T0 + 9 }))).toBe(T0 + 5);
    expect(jobDueAt(aJob({ hold: gate, verifyAt: T0 + 9 }))).toBe(T0 + 9);
  });

  test("until its lane is known, while it waits in it", () => {
    expect(jobDueAt(aJob({ admitAt: T0 + 7 }))).toBe(T0 + 7);
    expect(jobDueAt(aJob({ admitAt: T0 + 7, verifyAt: T0 + 2 }))).toBe(T0 + 2);
    expect(jobDueAt(aJob({ admitAt: T0 + 7, workerId: WORKER_ID }))).toBe(T0 + STARTED_CHECK_MS);
  });

  test("never again once it has ended", () => {
    const ended = { state: "FAILED", verifyAt: T0, hold: backoff, admitAt: T0 } as const;
    expect(jobDueAt(aJob(ended))).toBeUndefined();
  });
});

test("one that runs since a time that nobody wrote down is due as one that waits since then", () => {
  const running = aJob({ workerId: WORKER_ID, state: "IN_PROGRESS", phases: { queued: T0 + 3 } });
  expect(jobDueAt(running)).toBe(T0 + 3 + EXECUTION_MS);
});
