// After the clock was set back nothing waits for the time that it was ahead, and nothing ends early.
import { expect, test } from "vitest";
import { jobSetBack, workerSetBack } from "../../../shared/domain/upkeep/set-back.ts";
import { aJob, aWorker, T0 } from "../builders.ts";

const HOUR_MS = 3_600_000;
const now = T0;
const ahead = T0 + HOUR_MS;
const step = { now, byMs: HOUR_MS };

test("what has happened has happened by now; what is to come comes as much earlier", () => {
  const hold = { reason: "start-backoff", message: "it failed", until: ahead + 9_000 } as const;
  const job = aJob({
    createdAt: ahead,
    queuedAt: ahead,
    phases: { queued: ahead },
    hold,
    verifyAt: ahead - 1,
  });
  expect(jobSetBack(job, step)).toMatchObject({
    createdAt: now,
    queuedAt: now,
    phases: { queued: now },
    hold: { until: now + 9_000 },
    verifyAt: now,
    admitAt: undefined,
  });
});

test("a job that is in line, or has ended, stays as it is", () => {
  expect(jobSetBack(aJob(), step)).toBeUndefined();
  expect(jobSetBack(aJob({ state: "COMPLETED", createdAt: ahead }), step)).toBeUndefined();
});

test("a worker is looked at once, and its limits begin anew", () => {
  const worker = aWorker({
    createdAt: ahead,
    phases: { booting: ahead },
    heartbeatAt: ahead,
    drain: { reason: "surplus", at: ahead },
    spareUntil: ahead,
    dueAt: ahead,
  });
  expect(workerSetBack(worker, step)).toMatchObject({
    createdAt: now,
    phases: { booting: now },
    heartbeatAt: now,
    drain: { at: now },
    spareUntil: now,
    dueAt: now,
  });
  const young = workerSetBack(aWorker({ createdAt: ahead }), step);
  expect(young).toMatchObject({ createdAt: now, heartbeatAt: undefined, drain: undefined });
  expect(young).not.toHaveProperty("spareUntil");
});

test("one that is in line, or released, stays as it is", () => {
  expect(workerSetBack(aWorker({ dueAt: ahead }), step)).toBeUndefined();
  expect(workerSetBack(aWorker({ state: "released", createdAt: ahead }), step)).toBeUndefined();
});
