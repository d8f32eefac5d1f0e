// A job that GitHub answers 404 for.
import { describe, expect, test } from "vitest";
import { GITHUB_QUEUE_MS } from "../../../shared/domain/deadlines.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isWaiting } from "../../../shared/domain/job/job.ts";
import { unknownToGithub, untoldByGithub } from "../../../shared/domain/job/unknown-job.ts";
import { aJob, T0, WORKER_ID } from "../builders.ts";

const MINUTE_MS = 60_000;

/** Minutes after the first question at which the next ones are asked, for a day. */
function questions(step: (job: Job, now: number) => Job, first: Job): { minutes: number[]; job: Job } {
  const minutes: number[] = [];
  let job = step(first, T0);
  while (
    minutes.length < 100 &&
    job.end === undefined &&
    (job.verifyAt ?? T0) <= T0 + GITHUB_QUEUE_MS + 60 * MINUTE_MS
  ) {
    minutes.push(((job.verifyAt ?? T0) - T0) / MINUTE_MS);
    job = step(job, job.verifyAt ?? T0);
  }
  return { minutes, job };
}

describe("unknown to GitHub", () => {
  test("asked ever more seldom, at most hourly, and ended after a day", () => {
    const { minutes, job } = questions(unknownToGithub, aJob({ workerId: WORKER_ID }));
    expect(minutes.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 64, 124]);
    expect(minutes.length).toBeLessThan(32);
    expect(job).toMatchObject({ state: "TIMED_OUT", end: { reason: "queue-timeout" } });
    expect(job.end?.at).toBeGreaterThanOrEqual(T0 + GITHUB_QUEUE_MS);
  });

  test("a queued one lets go of its worker and starts no other until GitHub is asked again", () => {
    const job = unknownToGithub(aJob({ workerId: WORKER_ID }), T0);
    expect(job).toMatchObject({ workerId: undefined, verifyAt: T0 + MINUTE_MS });
    expect(job.hold).toMatchObject({ reason: "unknown-to-github", until: T0 + MINUTE_MS });
    expect(job.hold?.message).toContain("deleted or transferred");
    expect(isWaiting(job)).toBe(false);
  });

  test("one in progress is not touched", () => {
    const running = aJob({ state: "IN_PROGRESS", workerId: WORKER_ID });
    expect(unknownToGithub(running, T0)).toMatchObject({
      unknownSince: T0,
      verifyAt: T0 + MINUTE_MS,
      state: "IN_PROGRESS",
      workerId: WORKER_ID,
      hold: undefined,
    });
  });
});

test("given up after 24 hours to the millisecond, with the reason; until then what it was stays", () => {
  const job = aJob({ unknownSince: T0, hold: undefined, failedStarts: 2 });
  const kept = { id: job.id, failedStarts: 2, unknownSince: T0 };
  expect(unknownToGithub(job, T0 + GITHUB_QUEUE_MS - 1)).toMatchObject({
    ...kept,
    state: "IN_QUEUE",
    phases: { queued: T0, held: T0 + GITHUB_QUEUE_MS - 1 },
  });
  const ended = unknownToGithub(job, T0 + GITHUB_QUEUE_MS);
  expect(ended).toMatchObject({
    ...kept,
    state: "TIMED_OUT",
    verifyAt: undefined,
    end: { message: expect.stringContaining("24 h") },
    phases: { queued: T0, done: T0 + GITHUB_QUEUE_MS },
  });
  expect(untoldByGithub(job, T0 + GITHUB_QUEUE_MS)).toMatchObject({ ...kept, state: "IN_QUEUE" });
});

test("GitHub may not tell: asked as seldom, but never given up", () => {
  const { minutes, job } = questions(untoldByGithub, aJob());
  expect(minutes.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 64, 124]);
  expect(job.end).toBeUndefined();
});
