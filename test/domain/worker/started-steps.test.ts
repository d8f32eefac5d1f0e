// When the hook's word needs a question to GitHub, and when it does not.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GITHUB_RECHECK_MS, GITHUB_WORD_MS } from "../../../shared/domain/deadlines.ts";
import type { StartedJob } from "../../../shared/domain/started-job.ts";
import {
  askedBinding,
  heardOf,
  nextBindingStep,
  settledBinding,
} from "../../../shared/domain/worker/started-steps.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { aGithubSide, aJob, aWorker, T0, WORKER_ID } from "../builders.ts";

const STARTED: StartedJob = {
  repository: "Acme/kernels",
  repositoryId: 81,
  runId: 7001,
  runAttempt: 1,
  job: "build",
  workflowRef: "Acme/kernels/.github/workflows/ci.yml@refs/heads/main",
  event: "push",
};
const RUNNER = { id: 5, name: WORKER_ID };
const heard = (): Worker => heardOf(aWorker({ state: "running" }), STARTED, T0)!;
const paired = (overrides = {}) =>
  aJob({ workerId: WORKER_ID, github: aGithubSide({ status: "in_progress", runner: RUNNER, ...overrides }) });

describe("the hook's word", () => {
  test("is noted once: what comes later is not the hook's", () => {
    const worker = heard();
    expect(worker).toMatchObject({ binding: { started: STARTED, heardAt: T0, settled: false } });
    expect(heardOf(worker, { ...STARTED, runId: 666 }, T0)).toBeUndefined();
  });

  test("counts for runners of workflow jobs that have not ended", () => {
    expect(heardOf(aWorker({ state: "finished" }), STARTED, T0)).toBeUndefined();
    expect(heardOf(aWorker({ kind: "program", state: "running" }), STARTED, T0)).toBeUndefined();
    const { kind: _kind, ...old } = aWorker({ state: "running" });
    expect(heardOf(old, STARTED, T0)).toBeDefined();
  });
});

test("of an API job's runner it is noted, and GitHub is never asked", () => {
  const worker = heardOf(aWorker({ kind: "api-runner", state: "running" }), STARTED, T0)!;
  expect(worker).toMatchObject({ binding: { started: STARTED, settled: true } });
  expect(nextBindingStep(worker, undefined, T0 + 10 * GITHUB_WORD_MS)).toBe("none");
});

test("what is asked and settled changes nothing else of the worker", () => {
  const worker = heard();
  expect(askedBinding(worker, T0 + 5)).toEqual({
    ...worker,
    binding: { started: STARTED, heardAt: T0, asked: 1, askedAt: T0 + 5, settled: false },
  });
  expect(settledBinding(worker)).toEqual({
    ...worker,
    binding: { started: STARTED, heardAt: T0, asked: 0, askedAt: undefined, settled: true },
  });
});

describe("the next step", () => {
  test("is none without a word, and after the end of it", () => {
    expect(nextBindingStep(aWorker(), paired(), T0)).toBe("none");
    expect(nextBindingStep(settledBinding(heard())!, undefined, T0)).toBe("none");
    expect(settledBinding(aWorker())).toBeUndefined();
    expect(settledBinding(settledBinding(heard())!)).toBeUndefined();
    expect(askedBinding(aWorker(), T0)).toBeUndefined();
    expect(askedBinding(settledBinding(heard())!, T0)).toBeUndefined();
  });

  test("is to settle once GitHub's own event has named the runner", () => {
    expect(nextBindingStep(heard(), paired(), T0)).toBe("settle");
  });

  test.each([
    ["there is no job", undefined],
    ["its job is another worker's", { ...paired(), workerId: undefined }],
    ["no runner is named", aJob({ workerId: WORKER_ID })],
    ["its job is of another run", paired({ runId: 1 })],
    ["its job is of another attempt", paired({ runAttempt: 2 })],
  ])("is to wait for that event, then to ask, where %s", (_what, job) => {
    expect(nextBindingStep(heard(), job, T0 + GITHUB_WORD_MS - 1)).toBe("wait");
    expect(nextBindingStep(heard(), job, T0 + GITHUB_WORD_MS)).toBe("ask");
  });

  test("is to ask again a minute later, five times at most, however often it pings", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30_000 }), (everyMs) => {
        let worker = heard();
        let asks = 0;
        for (let now = T0; now < T0 + 10 * GITHUB_RECHECK_MS; now += everyMs) {
          if (nextBindingStep(worker, undefined, now) !== "ask") continue;
          expect(now - (worker.binding?.askedAt ?? 0)).toBeGreaterThanOrEqual(GITHUB_RECHECK_MS);
          worker = askedBinding(worker, now)!;
          asks++;
        }
        expect(asks).toBe(5);
        expect(nextBindingStep(worker, undefined, T0 + 20 * GITHUB_RECHECK_MS)).toBe("settle");
      }),
      { numRuns: 20 },
    );
  });
});
