// A worker beside its steps: what it is started for, whether it is spare, what is known of its end.
import { describe, expect, test } from "vitest";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import {
  hasUnsureJob,
  isSpare,
  kindFor,
  lost,
  registrationChecked,
  serving,
  spared,
} from "../../../shared/domain/worker/worker-steps.ts";
import { aJob, aReport, aWorker, LIMITS, T0 } from "../builders.ts";
import { anApiJob, aRunnerRequest } from "../job/api-builders.ts";

const NOW = T0 + 10_000;
const step = { now: NOW, limits: LIMITS };

test("what a worker is started for, its job tells", () => {
  const kinds = [aJob(), anApiJob(), anApiJob({}, { runner: aRunnerRequest() })].map(kindFor);
  expect(kinds).toEqual(["github", "program", "api-runner"]);
});

describe("a worker without a job of its own", () => {
  const listening = aWorker({ state: "listening", phases: { listening: T0 }, heartbeatAt: NOW });

  test("is kept for one that GitHub may give it, and looked at again then", () => {
    const spare = spared(listening, NOW + 30, step);
    expect(spare).toMatchObject({ spareUntil: NOW + 30, dueAt: NOW + 30 });
    expect(isSpare(spare)).toBe(true);
    expect(isSpare({ ...spare, state: "booted" })).toBe(true);
    expect(serving(spare, aJob().id).spareUntil).toBeUndefined();
  });

  test.each<[string, Partial<Worker>]>([
    ["runs one all the same", { state: "running" }],
    ["has not booted", { state: "starting" }],
    ["was asked to drain", { drain: { reason: "idle", at: T0 } }],
    ["was not kept", { spareUntil: undefined }],
  ])("is not spare when it %s", (_why, other) => {
    expect(isSpare({ ...listening, spareUntil: NOW + 30, ...other })).toBe(false);
  });

  test("whose registration was found at GitHub is asked about later again", () => {
    const checked = registrationChecked(listening, step);
    expect(checked).toMatchObject({ registrationCheckedAt: NOW });
    expect(checked.dueAt).toBeGreaterThan(NOW);
  });
});

test("its report, or what is known of one that was lost, is kept", () => {
  const report = aReport();
  expect(lost(aWorker({ state: "running" }), step, report)?.report).toBe(report);
  expect(lost(aWorker({ state: "running", report }), step)?.report).toBe(report);
});

test.each(["starting", "running", "finished"] as const)(
  "no program that is %s has an unsure job",
  (state) => {
    const lease = {
      jobId: aJob().id,
      generation: 1,
      givenAt: T0,
      times: 1,
      ackedAt: T0,
      missedAt: undefined,
    };
    expect(hasUnsureJob(aWorker({ kind: "program", state, lease }))).toBe(false);
  },
);
