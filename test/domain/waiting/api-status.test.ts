// The status object key by key, and who sees it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { Job, JobState } from "../../../shared/domain/job/job.ts";
import { isVisible, maySee, statusObject } from "../../../shared/domain/waiting/api-status.ts";
import { aJob, T0, WORKER_ID } from "../builders.ts";
import { API_JOB_ID, anApiJob, aRunnerRequest, KEY_CALLER, OIDC_CALLER } from "../job/api-builders.ts";

const id = API_JOB_ID;
const TIMES = { delayTime: 5, executionTime: 10 };
const side = { startedAt: T0 + 5, endedAt: T0 + 15 };
const worker = { workerId: WORKER_ID };
const why = { endReason: "worker-failed", endClass: "user" };

function ended(state: JobState, more: Partial<NonNullable<Job["api"]>> = {}): Job {
  const end = { reason: "worker-failed", message: "why it ended", at: T0 + 15 } as const;
  return anApiJob({ state, end, ...worker }, { ...side, ...more });
}

test.each([
  ["queued", anApiJob(), undefined, { id, status: "IN_QUEUE" }],
  [
    "held",
    anApiJob({ hold: { reason: "start-failed", message: "no image", until: T0 } }),
    undefined,
    {
      id,
      status: "IN_QUEUE",
      whyWaiting: {
        code: "start-failed",
        message: expect.stringContaining("No image."),
        since: T0,
        until: T0,
      },
    },
  ],
  [
    "a runner's",
    anApiJob({}, { runner: aRunnerRequest() }),
    undefined,
    { id, status: "IN_QUEUE", label: "npud-job-abcdefghijkl" },
  ],
  [
    "in progress",
    anApiJob({ state: "IN_PROGRESS", ...worker }, side),
    { step: 3 },
    { id, status: "IN_PROGRESS", delayTime: 5, ...worker, output: { step: 3 } },
  ],
  ["in progress of nobody yet", anApiJob({ state: "IN_PROGRESS" }), undefined, { id, status: "IN_PROGRESS" }],
  [
    "completed",
    ended("COMPLETED"),
    null,
    { id, status: "COMPLETED", ...TIMES, ...worker, ...why, output: null },
  ],
  ["completed with {}", ended("COMPLETED"), {}, { id, status: "COMPLETED", ...TIMES, ...worker, ...why }],
  [
    "completed with []",
    ended("COMPLETED"),
    [],
    { id, status: "COMPLETED", ...TIMES, ...worker, ...why, output: [] },
  ],
  [
    "failed",
    ended("FAILED", { error: '{"error_type":"ValueError"}' }),
    { partial: 1 },
    {
      id,
      status: "FAILED",
      ...TIMES,
      ...worker,
      ...why,
      output: { partial: 1 },
      error: '{"error_type":"ValueError"}',
    },
  ],
  ["cancelled", ended("CANCELLED"), 7, { id, status: "CANCELLED", ...TIMES, ...why }],
  ["cancelled before the take", anApiJob({ state: "CANCELLED" }), 7, { id, status: "CANCELLED" }],
  ["timed out", ended("TIMED_OUT"), 7, { id, status: "TIMED_OUT", ...TIMES, ...why, error: "why it ended" }],
  [
    "timed out in the queue",
    ended("TIMED_OUT", { startedAt: undefined }),
    7,
    { id, status: "TIMED_OUT", ...why, error: "why it ended" },
  ],
  [
    "failed before the take",
    ended("FAILED", { startedAt: undefined }),
    undefined,
    { id, status: "FAILED", delayTime: 15, executionTime: 0, ...worker, ...why, error: "why it ended" },
  ],
  [
    "failed, nobody knows how",
    anApiJob({ state: "FAILED" }),
    undefined,
    { id, status: "FAILED", delayTime: 0, executionTime: 0, error: "it failed without a word" },
  ],
] as const)("%s", (_name, job, output, expected) => {
  expect(statusObject(job, output)).toStrictEqual(expected);
});

test.each(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"] as const)(
  "a runner's label is there to be asked for or looked up: %s",
  (state) => {
    const job = anApiJob({ state }, { runner: aRunnerRequest() });
    expect(statusObject(job, undefined)).toMatchObject({ label: "npud-job-abcdefghijkl" });
  },
);

test.each([[null], [7], ["text"], [false]])(
  "an output is whatever JSON the program returned: %j",
  (output) => {
    expect(statusObject(ended("COMPLETED"), output)).toHaveProperty("output", output);
  },
);

test("a job that was taken at once has waited for no time", () => {
  const status = statusObject(anApiJob({ state: "IN_PROGRESS" }, { startedAt: T0 }), undefined);
  expect(status.delayTime).toBe(0);
});

test("a job of GitHub's has its state, and its times from GitHub's word", () => {
  const { id } = aJob();
  expect(statusObject(aJob(), undefined)).toEqual({ id, status: "IN_QUEUE" });
  expect(statusObject(aJob({ state: "FAILED" }), undefined)).toMatchObject({
    delayTime: 0,
    executionTime: 0,
  });
  const phases = { queued: T0, running: T0 + 5 };
  const running = aJob({ state: "IN_PROGRESS", ...worker, phases });
  expect(statusObject(running, undefined)).toEqual({ id, status: "IN_PROGRESS", delayTime: 5, ...worker });
  const end = { reason: "succeeded", message: "GitHub: success", at: T0 + 15 } as const;
  expect(statusObject({ ...running, state: "COMPLETED", end }, undefined)).toEqual({
    id,
    status: "COMPLETED",
    ...TIMES,
    ...worker,
    endReason: "succeeded",
    endClass: "success",
  });
});

test("with its explanation a job that has not ended shows its phase; one that has shows none", () => {
  const whyWaiting = { code: "booting", message: "Its worker boots.", since: T0 } as const;
  const explained = { phase: "booting", whyWaiting } as const;
  expect(statusObject(aJob(), undefined, explained)).toMatchObject(explained);
  const runner = anApiJob({ state: "IN_PROGRESS" }, { runner: aRunnerRequest() });
  expect(statusObject(runner, undefined, explained)).toMatchObject(explained);
  const running = statusObject(runner, undefined, { phase: "running", whyWaiting: undefined });
  expect(running).not.toHaveProperty("whyWaiting");
  expect(statusObject(ended("COMPLETED"), undefined, explained)).not.toHaveProperty("phase");
});

test("whatever the job: an id, a state, whole numbers of ms, an error that is text, and no secret", () => {
  const states = fc.constantFrom<JobState>(
    "IN_QUEUE",
    "IN_PROGRESS",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "TIMED_OUT",
  );
  const at = fc.option(fc.integer({ min: T0 - 1_000, max: T0 + 1_000 }), { nil: undefined });
  const runner = aRunnerRequest({ sealedPat: "sealed-pat" });
  fc.assert(
    fc.property(states, at, at, fc.jsonValue(), (state, startedAt, endedAt, output) => {
      const status = statusObject(anApiJob({ state }, { startedAt, endedAt, runner }), output);
      expect(status).toMatchObject({ id, status: state });
      for (const time of [status.delayTime, status.executionTime]) {
        if (time !== undefined) expect(time).toBeGreaterThanOrEqual(0);
      }
      if (state === "FAILED" || state === "TIMED_OUT") expect(typeof status.error).toBe("string");
      else expect(status.error).toBeUndefined();
      expect(Object.keys(status)).not.toContain("runner");
      expect(JSON.stringify({ ...status, output: undefined })).not.toContain("sealed-pat");
    }),
  );
});

describe("who sees it", () => {
  const endpoint = "linux-aarch64-a2-1";
  const view = { caller: KEY_CALLER, endpoint, now: T0 };
  const ofRepository = anApiJob({}, { repositoryId: 81 });

  test("its tenant's key, whatever the repository", () => {
    expect(isVisible(ofRepository, view)).toBe(true);
    expect(isVisible(anApiJob(), view)).toBe(true);
  });

  test("an OIDC caller of its repository and of no other", () => {
    expect(isVisible(ofRepository, { ...view, caller: OIDC_CALLER })).toBe(true);
    expect(isVisible(ofRepository, { ...view, caller: { ...OIDC_CALLER, repositoryId: 82 } })).toBe(false);
    expect(isVisible(anApiJob(), { ...view, caller: OIDC_CALLER })).toBe(false);
  });

  test("nobody of another tenant, nobody by another endpoint, nobody as a workflow job", () => {
    expect(isVisible(anApiJob(), { ...view, caller: { ...KEY_CALLER, tenant: tenantId(1) } })).toBe(false);
    expect(isVisible(anApiJob(), { ...view, endpoint: "other" })).toBe(false);
    expect(isVisible(aJob(), view)).toBe(false);
  });

  test("to look at, a workflow job too: by its tenant's key and its repository's steps", () => {
    const own = { ...view, caller: OIDC_CALLER };
    expect([maySee(aJob(), view), maySee(aJob(), own), maySee(anApiJob(), view)]).toEqual([true, true, true]);
    expect(maySee(aJob(), { ...own, caller: { ...OIDC_CALLER, repositoryId: 82 } })).toBe(false);
    expect(maySee(aJob(), { ...view, caller: { ...KEY_CALLER, tenant: tenantId(1) } })).toBe(false);
    expect(maySee(aJob(), { ...view, endpoint: "other" })).toBe(false);
  });

  test("nobody once its time is over", () => {
    const job = ended("COMPLETED", { expiresAt: T0 + 20 });
    expect(isVisible(job, { ...view, now: T0 + 19 })).toBe(true);
    expect(isVisible(job, { ...view, now: T0 + 20 })).toBe(false);
    expect([19, 20].map((ms) => maySee(job, { ...view, now: T0 + ms }))).toEqual([true, false]);
  });
});
