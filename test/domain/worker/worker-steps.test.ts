// A worker moves one step at a time, or says why it cannot.
import { describe, expect, test } from "vitest";
import { FINISHED_GRACE_MS, RESUME_START_MS, STOP_GRACE_MS } from "../../../shared/domain/deadlines.ts";
import type { Worker, WorkerState } from "../../../shared/domain/worker/worker.ts";
import {
  draining,
  finished,
  graceMs,
  lost,
  newWorker,
  registering,
  released,
  reported,
  serving,
  started,
  taken,
} from "../../../shared/domain/worker/worker-steps.ts";
import { aGithubSide, aJob, anEndpoint, aReport, aWorker, LIMITS, T0, WORKER_ID } from "../builders.ts";

const NOW = T0 + 10_000;
const step = { now: NOW, limits: LIMITS };
const booted = aWorker({ state: "booted", bootId: "b1", phases: { booting: T0, preflight: T0 + 1_000 } });
const STATES: WorkerState[] = [
  "reserving",
  "starting",
  "booted",
  "listening",
  "running",
  "finished",
  "lost",
  "released",
];
const statesBut = (...left: WorkerState[]) => STATES.filter((state) => !left.includes(state));
const ENDED: WorkerState[] = ["finished", "lost", "released"];

test("a new worker has what its job and endpoint say", () => {
  const job = aJob();
  const endpoint = anEndpoint({ cards: 2 });
  const plan = { node: "n1", kept: "n2" };
  expect(
    newWorker(WORKER_ID, {
      job,
      endpoint,
      slots: [],
      plan,
      scope: { type: "organization", org: "Acme" },
      now: T0,
    }).plan,
  ).toBe(plan);
  expect(
    newWorker(WORKER_ID, {
      job,
      endpoint,
      slots: [4, 5],
      scope: { type: "organization", org: "Acme" },
      now: T0,
    }),
  ).toEqual(aWorker({ cards: 2, slots: [4, 5], dueAt: T0 + RESUME_START_MS }));
});

describe("the pool said started", () => {
  test("the boot time runs", () => {
    expect(started(aWorker(), step)).toMatchObject({
      state: "starting",
      phases: { booting: NOW },
      heartbeatAt: NOW,
      dueAt: NOW + LIMITS.bootMs,
    });
  });

  test.each(statesBut("reserving"))("no news for a %s worker", (state) => {
    expect(started(aWorker({ state }), step)).toBeUndefined();
  });
});

describe("the first call", () => {
  test.each(["reserving", "starting"] as const)("of a %s worker makes it this boot's", (state) => {
    const outcome = taken(aWorker({ state }), "b1", step);
    expect(outcome).toMatchObject({
      type: "taken",
      worker: { state: "booted", bootId: "b1", phases: { booting: NOW, preflight: NOW } },
    });
  });

  test("keeps the time of the pool's started", () => {
    const outcome = taken(aWorker({ state: "starting", phases: { booting: T0 } }), "b1", step);
    expect(outcome).toMatchObject({ worker: { phases: { booting: T0, preflight: NOW } } });
  });

  test("repeated by the same boot is answered again, by another refused", () => {
    expect(taken(booted, "b1", step)).toEqual({ type: "again" });
    expect(taken(booted, "b2", step)).toEqual({ type: "refused" });
  });

  test.each(ENDED)("is refused when the worker is %s", (state) => {
    expect(taken({ ...booted, state }, "b1", step)).toEqual({ type: "refused" });
    expect(taken(aWorker({ state }), "b1", step)).toEqual({ type: "refused" });
  });
});

describe("a registration", () => {
  test("is given to a booted worker, as often as it asks", () => {
    const once = registering(booted, step);
    expect(once).toMatchObject({
      state: "booted",
      registered: true,
      phases: { registering: NOW },
    });
    expect(registering(once as Worker, step)).toMatchObject({ registered: true });
  });

  test("is not given to one that is to drain", () => {
    expect(registering({ ...booted, drain: { reason: "operator", at: T0 } }, step)).toBeUndefined();
  });

  test.each(statesBut("booted"))("is not given to a %s worker", (state) => {
    expect(registering({ ...booted, state }, step)).toBeUndefined();
  });
});

describe("a ping", () => {
  const said = (phase: "preflight" | "registering" | "listening" | "running", jobName?: string) => ({
    phase,
    jobName,
  });

  test("moves the worker with its runner", () => {
    const listening = reported(booted, said("listening", "of another job"), step);
    expect(listening).toMatchObject({
      state: "listening",
      phases: { listening: NOW },
      runningJobName: undefined,
    });
    expect(reported(listening as Worker, said("running", "build"), step)).toMatchObject({
      state: "running",
      runningJobName: "build",
      phases: { listening: NOW, running: NOW },
    });
  });

  test("may skip a phase whose ping was lost", () => {
    expect(reported(booted, said("running"), step)).toMatchObject({ state: "running" });
  });

  test("names a phase within a state", () => {
    expect(reported(booted, said("registering"), step)).toMatchObject({
      state: "booted",
      phases: { registering: NOW },
    });
  });

  test("is no news when repeated or late", () => {
    const running = aWorker({ state: "running", phases: { booting: T0, preflight: T0, running: T0 } });
    expect(reported(running, said("running"), step)).toBeUndefined();
    expect(reported(running, said("listening"), step)).toBeUndefined();
    const listening = aWorker({ state: "listening", phases: { preflight: T0, listening: T0 } });
    expect(reported(listening, said("registering"), step)).toBeUndefined();
  });

  test.each(ENDED)("is no news of a %s worker", (state) => {
    expect(reported({ ...booted, state }, said("running"), step)).toBeUndefined();
  });
});

describe("an end", () => {
  test.each(statesBut(...ENDED))("of a %s worker: by its report, or by its silence", (state) => {
    const report = aReport();
    expect(finished(aWorker({ state }), report, step)).toMatchObject({
      state: "finished",
      report,
      phases: { done: NOW },
      dueAt: NOW,
    });
    expect(lost(aWorker({ state }), step)).toMatchObject({
      state: "lost",
      phases: { done: NOW },
      dueAt: NOW,
    });
  });

  test.each(ENDED)("comes once: a %s worker keeps its own", (state) => {
    expect(finished(aWorker({ state }), aReport(), step)).toBeUndefined();
    expect(lost(aWorker({ state }), step)).toBeUndefined();
    expect(draining(aWorker({ state }), "idle", step)).toBeUndefined();
  });

  test("released: nobody looks at it again", () => {
    expect(released(aWorker({ state: "finished" }))).toMatchObject({
      state: "released",
      dueAt: undefined,
    });
  });

  test("a worker that reported needs no grace", () => {
    expect(graceMs(aWorker({ state: "finished" }))).toBe(FINISHED_GRACE_MS);
    expect(graceMs(aWorker({ state: "running" }))).toBe(STOP_GRACE_MS);
  });
});

describe("drain and serve", () => {
  test("a worker is asked to drain once", () => {
    const asked = draining(booted, "surplus", step) as Worker;
    expect(asked).toMatchObject({ state: "booted", drain: { reason: "surplus", at: NOW } });
    expect(draining(asked, "idle", step)).toBeUndefined();
  });

  test("serving another job ends the drain", () => {
    const asked = draining(booted, "surplus", step) as Worker;
    const other = aJob({ github: aGithubSide({ workflowJobId: 2 }) });
    expect(serving(asked, other.id)).toMatchObject({ jobId: "gh-2", drain: undefined });
  });
});
