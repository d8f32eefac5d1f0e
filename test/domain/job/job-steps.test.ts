// Dispatch claims a job, gives it back, holds it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  IDLE_RETRY,
  MAX_FAST_STARTS,
  PAIRING_CHECK_MS,
  SLOW_RETRY_MS,
  START_RETRY_MAX_MS,
  START_RETRY_MIN_MS,
} from "../../../shared/domain/deadlines.ts";
import { poolName } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isWaiting } from "../../../shared/domain/job/job.ts";
import {
  admitted,
  askLater,
  awaitProbe,
  bind,
  bindApi,
  claim,
  heldWithout,
  liftHold,
  movedTo,
  requeue,
  requeueAfterFailure,
  requeueAfterIdle,
  requeueUntil,
  verifyLater,
} from "../../../shared/domain/job/job-steps.ts";
import { aJob, aWorkerId, T0, WORKER_ID } from "../builders.ts";
import { anApiJob } from "./api-builders.ts";

const NOW = T0 + 60_000;
const served = aJob({ workerId: WORKER_ID, formerWorkerId: aWorkerId("w-former"), starts: 1, verifyAt: T0 });
const noCard = { outcome: "preflight-failed", message: "card 3 is busy" } as const;

test("every step leaves the version to the store, and the rest of the job as it was", () => {
  const next = [
    claim(aJob(), WORKER_ID, NOW),
    bind(aJob(), WORKER_ID),
    requeue(served),
    requeueAfterFailure(served, noCard, NOW, 0),
    requeueAfterIdle(served, NOW, 0),
    liftHold(aJob(), NOW),
    awaitProbe(aJob(), NOW + 1, NOW),
    heldWithout(aJob(), NOW + 1, NOW),
    requeueUntil(served, "GitHub's limit is used up", NOW + 1, NOW),
    movedTo(aJob(), aJob()),
    admitted(aJob()),
    verifyLater(aJob(), NOW),
  ];
  const { id, version, queuedAt, cards, tenant, github, phases } = aJob();
  for (const job of next) expect(job).toMatchObject({ id, version, queuedAt, cards, tenant, github, phases });
});

describe("serving", () => {
  test("a claim counts the start and takes the job out of its lane", () => {
    const job = claim(aJob({ starts: 1 }), WORKER_ID, NOW);
    expect(job).toMatchObject({ workerId: WORKER_ID, starts: 2, phases: { queued: T0, starting: NOW } });
    expect(isWaiting(job)).toBe(false);
  });

  test("a claim forgets what was to be asked of a workflow job, and has an API job compared with its worker soon", () => {
    expect(claim(aJob({ verifyAt: T0 }), WORKER_ID, NOW).verifyAt).toBeUndefined();
    const due = NOW + PAIRING_CHECK_MS;
    expect(claim(anApiJob({ verifyAt: T0 }), WORKER_ID, NOW).verifyAt).toBe(due);
    expect(bindApi(anApiJob(), WORKER_ID, NOW)).toMatchObject({ workerId: WORKER_ID, verifyAt: due });
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
    expect(requeueAfterIdle(job, NOW, 0).idleEnds).toBe(2);
  });
});

test("one that awaits another's probe is out of its lane until then, and counts as one that idled", () => {
  const job = awaitProbe(aJob(), NOW + 9, NOW);
  expect(job).toMatchObject({
    idleEnds: 0,
    hold: { reason: "awaits-probe", until: NOW + 9, message: expect.stringContaining("max-parallel") },
    phases: { queued: T0, held: NOW },
  });
  expect(isWaiting(job)).toBe(false);
  expect(awaitProbe({ ...job, idleEnds: 3 }, NOW + 9, NOW).idleEnds).toBe(3);
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

  test("the nodes where its cards failed are remembered, the last eight, until a runner has listened", () => {
    const failedAt = (job: Job, node: string | undefined) =>
      requeueAfterFailure(job, { ...noCard, node }, NOW, 0);
    expect(failedAt(aJob(), undefined).failedOn).toBeUndefined();
    const twice = failedAt(failedAt(failedAt(aJob(), "n1"), "n2"), "n1");
    expect(twice).toMatchObject({ failedStarts: 3, failedOn: ["n2", "n1"] });
    expect(failedAt(twice, undefined).failedOn).toEqual(["n2", "n1"]);
    const all = Array.from({ length: 10 }, (_, n) => `n${n}`).reduce(failedAt, aJob());
    expect(all.failedOn).toEqual(["n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"]);
    expect(requeueAfterIdle(twice, NOW, 0).failedOn).toBeUndefined();
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

test("after a start that nobody is to blame for: nothing is counted, and it waits until then", () => {
  const job = requeueUntil({ ...served, failedStarts: 2 }, "the limit is used up", NOW + 9, NOW);
  expect(job).toMatchObject({
    workerId: undefined,
    failedStarts: 2,
    hold: { reason: "start-backoff", message: "the limit is used up", until: NOW + 9 },
    phases: { held: NOW },
  });
});

test("without its endpoint it is held with the reason; where that comes back elsewhere it goes there", () => {
  const job = heldWithout(aJob(), NOW + 9, NOW);
  expect(job).toMatchObject({ hold: { reason: "endpoint-removed", until: NOW + 9 }, phases: { held: NOW } });
  expect(job.hold?.message).toContain(`"${job.endpoint}"`);
  expect(isWaiting(job)).toBe(false);
  const pool = poolName("b");
  expect(movedTo(aJob(), { pool, cards: 4 })).toEqual({ ...aJob(), pool, cards: 4 });
});

test("what ended its last worker is forgotten with the next one, or none", () => {
  const job = { ...served, broken: { reason: "worker-lost", message: "it was evicted" } as const };
  expect([bind(job, WORKER_ID).broken, requeue(job).broken]).toEqual([undefined, undefined]);
});

test("a question to GitHub and the look at its lane are set and taken back", () => {
  expect(verifyLater(aJob(), NOW).verifyAt).toBe(NOW);
  expect(admitted(aJob({ admitAt: NOW })).admitAt).toBeUndefined();
});

test("a hold that is over before the next question lasts until then; a longer or an endless one stays", () => {
  const hold = { reason: "start-backoff", message: "no card" } as const;
  const until = (held: number | undefined) => {
    const job = askLater(aJob({ hold: { ...hold, until: held } }), NOW);
    expect(job).toMatchObject({ verifyAt: NOW, hold });
    return job.hold?.until;
  };
  expect([NOW - 1, NOW, NOW + 1, undefined].map(until)).toEqual([NOW, NOW, NOW + 1, undefined]);
  expect(askLater(aJob(), NOW)).toEqual(verifyLater(aJob(), NOW));
});
