// Why a job ended: every reason of the closed list comes from some transition, and has its class.
import { describe, expect, test } from "vitest";
import { MAX_FAST_STARTS, RUN_CHECK_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { ApiSide } from "../../../shared/domain/job/api-job.ts";
import type { EndReason } from "../../../shared/domain/job/end-reason.ts";
import { END_REASONS, endClass } from "../../../shared/domain/job/end-reason.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { jobFromWord } from "../../../shared/domain/job/job-events.ts";
import { afterFailedStart, settledApi } from "../../../shared/domain/worker/api-settling.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import type { WorkerOutcome } from "../../../shared/domain/worker-report.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { checkRun } from "../../../shared/usecases/reconcile/check-run.ts";
import { expireJob } from "../../../shared/usecases/reconcile/expire-job.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { loseResult } from "../../../shared/usecases/worker-plane/program-job.ts";
import { receiveResult, refuseResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { anEndpoint, aReport, aWord, aWorker, T0, WORKER_ID } from "../../domain/builders.ts";
import { API_JOB_ID, anApiJob, aRunnerRequest, KEY_CALLER, RUN } from "../../domain/job/api-builders.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const runner = { id: 5, name: WORKER_ID };
const DAY_MS = 86_400_000;

function told(conclusion: string, word: Partial<WorkflowJobWord> = { runner }): Job {
  return jobFromWord(aWord({ status: "completed", conclusion, ...word }), anEndpoint(), T0);
}

/** After the last start of an API job that a worker could be made for. */
function failed(outcome: WorkerOutcome | "refused"): Job {
  const job = anApiJob({ workerId: WORKER_ID, failedStarts: MAX_FAST_STARTS - 1 });
  return afterFailedStart(job, { outcome, message: "it did not start" }, { now: T0, random: 0 });
}

/** After the end of a runner that had listened. */
function ended(worker: Partial<Worker>): Job {
  const job = anApiJob({ workerId: WORKER_ID, state: "IN_PROGRESS" }, { startedAt: T0 });
  const listened = { kind: "api-runner", jobId: API_JOB_ID, phases: { listening: T0 } } as const;
  return settledApi(job, aWorker({ state: "finished", ...listened, ...worker }), T0 + 1, 0);
}

/** A program at work on the job; what happens then. */
async function atWork(
  happens: (world: World, worker: Worker, job: Job) => Promise<unknown>,
  overrides: Partial<Job> = {},
  side: Partial<ApiSide> = {},
): Promise<Job | undefined> {
  const world = createWorld({ stream: "lost" });
  const { endpoint } = aWorker();
  const claimed = { endpoint, workerId: WORKER_ID, state: "IN_PROGRESS", ...overrides } as const;
  const job = anApiJob(claimed, { startedAt: T0, ...side });
  const lease = { jobId: job.id, generation: 1, givenAt: T0, times: 1, ackedAt: T0, missedAt: undefined };
  const worker = aWorker({ kind: "program", jobId: job.id, state: "running", bootId: "boot", lease });
  await world.stores.jobs.create(job);
  await world.stores.workers.create(worker);
  await happens(world, worker, job);
  return world.stores.jobs.get(job.id);
}

const queued = { state: "IN_QUEUE", workerId: undefined } as const;
const NOWHERE = { type: "parts", key: "job#gone", count: 1, bytes: 2 } as const;

const WAYS: { readonly [reason in EndReason]: () => Job | undefined | Promise<Job | undefined> } = {
  succeeded: () => told("success"),
  "workflow-job-failed": () => told("failure"),
  "workflow-job-cancelled": () => told("cancelled"),
  "cancelled-before-pickup": () => told("cancelled", { runner: undefined }),
  cancelled: () => atWork(({ deps }, { endpoint }) => cancelJob(deps, KEY_CALLER, endpoint, API_JOB_ID)),
  skipped: () => told("skipped", { runner: undefined }),
  "run-ended": () =>
    atWork(
      async ({ deps, github, clock }, _worker, job) => {
        clock.advance(RUN_CHECK_MS);
        github.runs.set(RUN.runId, { status: "completed", conclusion: "cancelled", runAttempt: 1 });
        await checkRun(deps, job);
      },
      queued,
      { run: RUN, runner: aRunnerRequest() },
    ),
  "worker-failed": () =>
    atWork(({ deps }, { id }, job) => receiveResult(deps, id, job.id, { error: "raised" })),
  "program-died": () => ended({ kind: "program", report: aReport({ outcome: "program-died" }) }),
  "result-refused": () =>
    atWork(({ deps }, { id }, job) => refuseResult(deps, id, job.id, "30 MB, at most 20")),
  "execution-timeout": () => told("timed_out"),
  "ttl-expired": () =>
    atWork(
      async ({ deps, clock }, _worker, job) => {
        clock.advance(20_000);
        await expireJob(deps, job);
      },
      {},
      { policy: { executionTimeoutMs: 60_000, ttlMs: 10_000, lowPriority: false } },
    ),
  "queue-timeout": () =>
    atWork(async ({ deps, clock }, _worker, job) => {
      clock.advance(2 * DAY_MS);
      await expireJob(deps, job);
    }, queued),
  "start-failed": () => failed("runner-failed"),
  "preflight-failed": () => failed("preflight-failed"),
  "worker-lost": () => ended({ state: "lost" }),
  "runner-died": () => ended({ report: aReport({ outcome: "runner-died" }) }),
  "worker-stopped": () => ended({ report: aReport({ outcome: "cancelled", jobName: "build" }) }),
  "result-lost": () => atWork(({ deps }, worker) => loseResult(deps, worker, "asked for another")),
  "input-lost": () =>
    atWork(
      async ({ deps, stores }, worker) => {
        const free = { ...worker, version: 2, state: "listening", lease: undefined } as const;
        await stores.workers.replace(free);
        await giveJob(deps, WORKER_ID, { bootId: "boot", inProgress: false });
      },
      { state: "IN_QUEUE" },
      { startedAt: undefined, input: NOWHERE },
    ),
  "start-refused": () => failed("refused"),
  "registration-refused": () => failed("registration-refused"),
  "image-unusable": () => failed("no-runner"),
  "never-picked-up": () => ended({ report: aReport({ outcome: "idle" }) }),
};

test.each(END_REASONS)("%s", async (reason) => {
  const job = await WAYS[reason]();
  expect(job?.end).toMatchObject({ reason, message: expect.stringMatching(/./) });
});

describe("whose matter it is", () => {
  test("a success is success, whatever completed", () => {
    const successes = END_REASONS.filter((reason) => endClass(reason) === "success");
    expect(successes).toEqual(["succeeded"]);
  });

  test.each(["preflight-failed", "runner-failed", "config-failed", "idle", "ran", "cancelled"] as const)(
    "a start that ended as %s is the machines'",
    (outcome) => {
      const reason = failed(outcome).end?.reason;
      expect(reason && endClass(reason)).toBe("infrastructure");
    },
  );

  test.each(["runner-too-old", "no-runner", "registration-refused", "refused"] as const)(
    "a start that ended as %s is a setting's",
    (outcome) => {
      const reason = failed(outcome).end?.reason;
      expect(reason && endClass(reason)).toBe("configuration");
    },
  );
});
