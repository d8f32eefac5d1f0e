// Dispatch claims a job, gives it back, holds it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  IDLE_RETRY,
  MAX_FAST_STARTS,
  SLOW_RETRY_MS,
  START_RETRY_MAX_MS,
  START_RETRY_MIN_MS,
} from "../../shared/domain/deadlines.ts";
import type { Job } from "../../shared/domain/job.ts";
import { isWaiting } from "../../shared/domain/job.ts";
import {
  admitted,
  bind,
  claim,
  liftHold,
  requeue,
  requeueAfterFailure,
  requeueAfterIdle,
  verifyLater,
} from "../../shared/domain/job-steps.ts";
import { aJob, aWorkerId, T0, WORKER_ID } from "./builders.ts";

const NOW = T0 + 60_000;
const served = aJob({ workerId: WORKER_ID, formerWorkerId: aWorkerId("w-former"), starts: 1, verifyAt: T0 });
const noCard = { outcome: "preflight-failed", message: "card 3 is busy" } as const;

test("every step is one version", () => {
  const next = [
    claim(aJob(), WORKER_ID, NOW),
    bind(aJob(), WORKER_ID),
    requeue(served),
    requeueAfterFailure(served, noCard, NOW, 0),
    requeueAfterIdle(served, NOW, 0),
    liftHold(aJob(), NOW),
    admitted(aJob()),
    verifyLater(aJob(), NOW),
  ];
  expect(next.map((job) => job.version)).toEqual(next.map(() => 2));
});

describe("serving", () => {
  test("a claim counts the start and takes the job out of its lane", () => {
    const job = claim(aJob({ starts: 1 }), WORKER_ID, NOW);
    expect(job).toMatchObject({ workerId: WORKER_ID, starts: 2, phases: { queued: T0, starting: NOW } });
    expect(isWaiting(job)).toBe(false);
  });

  test("binding to a worker that exists is no start, and remembers the former worker if there is one", () => {
    const former = aWorkerId("w2");
    expect(bind(served, WORKER_ID, former)).toMatchObject({
      workerId: WORKER_ID,
      formerWorkerId: former,
      starts: 1,
    });
    expect(bind(served, WORKER_ID).formerWorkerId).toBeUndefined();
  });
});

describe("given back", () => {
  test("at its old place, without a worker, with nothing to ask", () => {
    const job = requeue(served);
    expect(job).toMatchObject({
      workerId: undefined,
      formerWorkerId: undefined,
      verifyAt: undefined,
      queuedAt: served.queuedAt,
      starts: 1,
    });
    expect(isWaiting(job)).toBe(true);
  });

  test("after a runner that idled: backs off, and is no failed start", () => {
    const job = requeueAfterIdle({ ...served, failedStarts: 2 }, NOW, 0.5);
    expect(job).toMatchObject({
      workerId: undefined,
      failedStarts: 0,
      idleEnds: 1,
      hold: { reason: "not-assigned", until: NOW + 1.5 * IDLE_RETRY.minMs },
      phases: { held: NOW },
    });
    expect(job.hold?.message).toContain("runner group");
  });
});

describe("after a failed start", () => {
  const fail = (job: Job, outcome: Parameters<typeof requeueAfterFailure>[1]["outcome"]) =>
    requeueAfterFailure(job, { outcome, message: "why" }, NOW, 0);

  test("it is tried again after back-off, then held with the reason and tried slowly", () => {
    let job = aJob();
    const holds = [];
    for (let start = 1; start <= MAX_FAST_STARTS + 2; start++) {
      job = fail(liftHold(claim(job, WORKER_ID, NOW), NOW), "config-failed");
      holds.push(job.hold);
    }
    expect(job).toMatchObject({ state: "IN_QUEUE", failedStarts: MAX_FAST_STARTS + 2, workerId: undefined });
    const quick = { reason: "start-backoff", message: "why", until: NOW + START_RETRY_MIN_MS };
    const slow = { reason: "start-failed", message: "why", until: NOW + SLOW_RETRY_MS };
    expect(holds).toEqual([quick, quick, slow, slow, slow]);
  });

  test.each([
    ["refused", "start-failed"],
    ["runner-too-old", "start-failed"],
    ["no-runner", "start-failed"],
    ["registration-refused", "registration-refused"],
  ] as const)("%s will be met again: held at once as %s", (outcome, reason) => {
    expect(fail(served, outcome).hold).toEqual({ reason, message: "why", until: NOW + SLOW_RETRY_MS });
  });

  test("property: fast retries stay within their bounds", () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(MAX_FAST_STARTS - 2), fc.nat(50), fraction, (failedStarts, starts, random) => {
        const job = aJob({ failedStarts, starts });
        const waitMs = (requeueAfterFailure(job, noCard, NOW, random).hold?.until ?? 0) - NOW;
        expect(waitMs).toBeGreaterThanOrEqual(START_RETRY_MIN_MS);
        expect(waitMs).toBeLessThanOrEqual(START_RETRY_MAX_MS);
        const idle = requeueAfterIdle({ ...job, idleEnds: starts }, NOW, random);
        const idleMs = (idle.hold?.until ?? 0) - NOW;
        expect(idleMs).toBeGreaterThanOrEqual(IDLE_RETRY.minMs);
        expect(idleMs).toBeLessThanOrEqual(IDLE_RETRY.maxMs);
      }),
    );
  });
});

describe("the end of a hold", () => {
  test("puts the job back into its lane, at the place it had", () => {
    const held = requeueAfterFailure(served, noCard, NOW, 0);
    const job = liftHold(held, NOW + 9);
    expect(isWaiting(job)).toBe(true);
    expect(job).toMatchObject({ queuedAt: T0, phases: { queued: T0 } });
  });

  test("is when a job that never waited begins to", () => {
    expect(liftHold(aJob({ phases: { held: T0 } }), NOW).phases).toEqual({ held: T0, queued: NOW });
  });
});

test("a question to GitHub and the look at its lane are set and taken back", () => {
  expect(verifyLater(aJob(), NOW).verifyAt).toBe(NOW);
  expect(admitted(aJob({ admitAt: NOW })).admitAt).toBeUndefined();
});
