// A worker that pings and has no record gets one from what it says: it goes on as it was, and its times begin anew.
import { describe, expect, test } from "vitest";
import { GHOST_CHECK_MS, HEARTBEAT_LOST_MS } from "../../../shared/domain/deadlines.ts";
import type { Foundling } from "../../../shared/domain/worker/adoption.ts";
import { adopted } from "../../../shared/domain/worker/adoption.ts";
import type { WorkerPhase } from "../../../shared/domain/worker/worker.ts";
import { aJob, anEndpoint, aWorkerId, LIMITS, OWNER, POOL, T0, TENANT, WORKER_ID } from "../builders.ts";
import { API_JOB_ID, anApiJob, aProgramEndpoint, aRunnerRequest } from "../job/api-builders.ts";

const NOW = T0 + 7_000;
const UNKNOWN = `unknown-${WORKER_ID}`;

function found(overrides: Partial<Foundling> = {}) {
  const foundling: Foundling = {
    id: WORKER_ID,
    endpoint: anEndpoint({ cards: 2 }),
    tenant: TENANT,
    phase: "listening",
    jobName: undefined,
    job: aJob({ workerId: WORKER_ID }),
    scope: { type: "organization", org: OWNER.login },
    slots: [4, 5],
    ...overrides,
  };
  return adopted(foundling, NOW);
}

test("its record is of its endpoint, with the cards it holds, and not taken by any boot", () => {
  expect(found()).toEqual({
    id: WORKER_ID,
    version: 1,
    pool: POOL,
    endpoint: "linux-aarch64-a2-1",
    tenant: TENANT,
    kind: "github",
    lease: undefined,
    cards: 2,
    slots: [4, 5],
    jobId: aJob().id,
    state: "listening",
    bootId: undefined,
    scope: { type: "organization", org: OWNER.login },
    runnerId: undefined,
    registered: true,
    drain: undefined,
    report: undefined,
    runningJobName: undefined,
    phases: { booting: NOW, preflight: NOW, registering: NOW, listening: NOW },
    createdAt: NOW,
    heartbeatAt: NOW,
    dueAt: NOW + Math.min(GHOST_CHECK_MS, LIMITS.idleMs, HEARTBEAT_LOST_MS),
  });
});

describe("how far its runner is, its ping says", () => {
  const all = ["booting", "preflight", "registering", "listening", "running"];

  test("one that runs a job is never asked to end", () => {
    const worker = found({ phase: "running", jobName: "build" });
    expect(worker).toMatchObject({ state: "running", registered: true, drain: undefined });
    expect(worker.runningJobName).toBe("build");
    expect(Object.keys(worker.phases)).toEqual(all);
  });

  test.each<[WorkerPhase | undefined, boolean]>([
    ["preflight", false],
    ["registering", true],
    // An older worker, or one whose ping is not ours: it may have had its registration.
    [undefined, true],
  ])("at %s it has no way to a registration and is asked to end; registered: %s", (phase, registered) => {
    const worker = found({ phase });
    expect(worker).toMatchObject({ state: "booted", registered, drain: { reason: "no-record", at: NOW } });
    expect(Object.keys(worker.phases)).toEqual(all.slice(0, 3));
  });
});

describe("what kind it is", () => {
  const api = anApiJob({ workerId: WORKER_ID }, { runner: aRunnerRequest() });

  test("its job tells, as long as that is its own", () => {
    expect(found({ job: api })).toMatchObject({ kind: "api-runner", lease: undefined });
    expect(found({ job: aJob({ workerId: WORKER_ID }) }).kind).toBe("github");
  });

  test.each([
    ["is not known", undefined],
    ["has another worker", { ...api, workerId: aWorkerId("w2") }],
    ["has ended", { ...api, state: "CANCELLED" as const }],
  ])("a runner whose API job %s is left to end by itself, as one of a workflow job's", (_why, job) => {
    expect(found({ job })).toMatchObject({ kind: "github", jobId: UNKNOWN });
  });

  test("an endpoint's command makes a program only where API calls start it", () => {
    expect(found({ endpoint: aProgramEndpoint() }).kind).toBe("program");
    expect(found({ endpoint: aProgramEndpoint({ startedBy: "webhook" }) }).kind).toBe("github");
    expect(found({ endpoint: anEndpoint({ startedBy: "api" }) }).kind).toBe("github");
  });
});

describe("which job it serves", () => {
  test("a workflow job that it was started for says as whom GitHub is asked, though another worker has it now", () => {
    const job = aJob({ workerId: aWorkerId("w2"), state: "COMPLETED" });
    expect(found({ job }).jobId).toBe(job.id);
  });

  test("none that is known: a name that is no job's", () => {
    expect(found({ job: undefined }).jobId).toBe(UNKNOWN);
  });
});

describe("a program", () => {
  const endpoint = aProgramEndpoint();
  const job = anApiJob({ workerId: WORKER_ID }, { generation: 3 });

  test("has the job that its ping names: it runs, under the lease of that generation", () => {
    const worker = found({ endpoint, phase: "preflight", job });
    expect(worker).toMatchObject({ kind: "program", state: "running", registered: false, drain: undefined });
    expect(worker.jobId).toBe(API_JOB_ID);
    expect(worker.lease).toEqual({
      jobId: API_JOB_ID,
      generation: 3,
      givenAt: NOW,
      times: 1,
      ackedAt: NOW,
      missedAt: undefined,
    });
    expect(worker.phases.running).toBe(NOW);
  });

  test.each([
    ["no job", undefined],
    ["one that another worker has by now", { ...job, workerId: aWorkerId("w2") }],
    ["one that has ended", { ...job, state: "COMPLETED" as const }],
    ["a workflow job", aJob({ workerId: WORKER_ID })],
  ])("that names %s waits for its next", (_what, other) => {
    const worker = found({ endpoint, phase: undefined, job: other });
    expect(worker).toMatchObject({ state: "listening", lease: undefined, drain: undefined });
    expect(worker.registered).toBe(false);
  });
});

test("it is looked at again by the limits of its endpoint, counted from now", () => {
  const limits = { ...LIMITS, idleMs: 1_000 };
  expect(found({ endpoint: anEndpoint({ limits }) }).dueAt).toBe(NOW + 1_000);
});
