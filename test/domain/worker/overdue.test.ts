// What a worker needs whose time has come.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DRAIN_MS,
  GHOST_CHECK_MS,
  HEARTBEAT_LOST_MS,
  PREPARE_MS,
  SILENT_RECHECK_MS,
} from "../../../shared/domain/deadlines.ts";
import { ghostCheckAt } from "../../../shared/domain/worker/ghost.ts";
import { decideOverdue } from "../../../shared/domain/worker/overdue.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { aWorker, LIMITS, T0 } from "../builders.ts";
import { lifeOfWorker } from "./worker-life.ts";

const DAY = 86_400_000;

function decide(worker: Partial<Worker>, afterMs: number, sighting: "running" | "ended" = "running") {
  return decideOverdue(aWorker(worker), sighting, { now: T0 + afterMs, limits: LIMITS });
}

describe("whatever the pool says", () => {
  test.each(["running", "ended"] as const)("%s", (sighting) => {
    expect(decide({ state: "finished" }, 0, sighting)).toEqual({ type: "release" });
    expect(decide({ state: "lost" }, 0, sighting)).toEqual({ type: "release" });
    expect(decide({ state: "reserving" }, 30_000, sighting)).toEqual({ type: "resume-start" });
  });
});

test.each(["starting", "booted", "listening", "running"] as const)(
  "a %s worker whose container is gone is lost",
  (state) => expect(decide({ state, heartbeatAt: T0 }, 1, "ended")).toEqual({ type: "lost" }),
);

describe("a starting worker", () => {
  test("has its boot time, counted from the pool's started", () => {
    const starting = { state: "starting", phases: { booting: T0 + 500 } } as const;
    expect(decide(starting, LIMITS.bootMs)).toEqual({ type: "wait", until: T0 + 500 + LIMITS.bootMs });
    expect(decide(starting, LIMITS.bootMs + 500)).toEqual({ type: "boot-timeout" });
  });

  test("without that time counts from its record", () => {
    expect(decide({ state: "starting" }, 1)).toEqual({ type: "wait", until: T0 + LIMITS.bootMs });
    expect(decide({ state: "starting" }, LIMITS.bootMs)).toEqual({ type: "boot-timeout" });
  });
});

describe("a worker that its pool runs", () => {
  test.each([
    ["listening", { state: "listening", registrationCheckedAt: T0 + DAY }, LIMITS.idleMs, "drain"],
    ["booted", { state: "booted" }, PREPARE_MS, "drain"],
    ["running", { state: "running" }, LIMITS.executionMs, "stop"],
  ] as const)("and that is %s counts from then, else from its record", (_state, worker, limitMs, type) => {
    const begun = T0 + 7_000;
    const phase = worker.state === "booted" ? "preflight" : worker.state;
    const alive = { ...worker, heartbeatAt: T0 + DAY, phases: { [phase]: begun } };
    expect(decide(alive, limitMs + 6_999)).toMatchObject({ type: "wait" });
    expect(decide(alive, limitMs + 7_000)).toMatchObject({ type });
    expect(decide({ ...alive, phases: {} }, limitMs - 1)).toMatchObject({ type: "wait" });
    expect(decide({ ...alive, phases: {} }, limitMs)).toMatchObject({ type });
  });

  test("and that runs a job is not looked at later than its limit, counted from its start", () => {
    const alive = { state: "running", heartbeatAt: T0 + DAY, phases: { running: T0 + 7_000 } } as const;
    const until = T0 + 7_000 + LIMITS.executionMs;
    expect(decide(alive, LIMITS.executionMs)).toEqual({ type: "wait", until });
  });

  test.each([
    [
      "listens for too long",
      { state: "listening", phases: { listening: T0 }, registrationCheckedAt: T0 + GHOST_CHECK_MS },
      LIMITS.idleMs,
    ],
    ["prepares for too long", { state: "booted", phases: { preflight: T0 } }, PREPARE_MS],
  ] as const)("is asked to drain when it %s", (_why, worker, limitMs) => {
    const alive = { ...worker, heartbeatAt: T0 + limitMs - 1 };
    expect(decide(alive, limitMs - 1)).toMatchObject({ type: "wait" });
    expect(decide(alive, limitMs)).toEqual({ type: "drain", reason: "idle" });
  });

  test("is asked once", () => {
    const drain = { reason: "idle", at: T0 } as const;
    expect(decide({ state: "listening", kind: "program", drain, heartbeatAt: T0 }, DAY)).toEqual({
      type: "wait",
      until: T0 + DAY + SILENT_RECHECK_MS,
    });
  });

  test("is stopped when it runs a job at its execution limit", () => {
    const running = { state: "running", phases: { running: T0 }, heartbeatAt: T0 } as const;
    expect(decide(running, LIMITS.executionMs)).toEqual({ type: "stop", reason: "execution-timeout" });
    expect(decide(running, LIMITS.executionMs - 1)).toMatchObject({ type: "wait" });
  });

  test("counts from its record when the phase was never heard of", () => {
    expect(decide({ state: "running" }, LIMITS.executionMs)).toMatchObject({ type: "stop" });
    expect(decide({ state: "listening" }, LIMITS.idleMs)).toMatchObject({ type: "drain" });
  });

  test("is looked at again sooner when it is silent", () => {
    const running = { state: "running", phases: { running: T0 }, heartbeatAt: T0 } as const;
    const [silent, heard] = [HEARTBEAT_LOST_MS, HEARTBEAT_LOST_MS - 1];
    expect(decide(running, silent)).toEqual({ type: "wait", until: T0 + silent + SILENT_RECHECK_MS });
    expect(decide(running, heard)).toEqual({ type: "wait", until: T0 + heard + HEARTBEAT_LOST_MS });
  });
});

describe("the registration of an idle runner is looked for", () => {
  const idle = { state: "listening", phases: { listening: T0 }, heartbeatAt: T0 + 1e9 } as const;

  test("once it has listened for some minutes, and then ever more seldom", () => {
    expect(decide(idle, GHOST_CHECK_MS - 1)).toMatchObject({ type: "wait" });
    expect(decide(idle, GHOST_CHECK_MS)).toEqual({ type: "check-registration", ifGone: "drain" });
    const checked = { ...idle, registrationCheckedAt: T0 + GHOST_CHECK_MS };
    expect(ghostCheckAt(aWorker(checked))).toBe(T0 + 2 * GHOST_CHECK_MS);
    expect(ghostCheckAt(aWorker({ ...checked, registrationCheckedAt: T0 + DAY }))).toBe(T0 + 2 * DAY);
  });

  test.each([
    { kind: "api-runner" },
    { kind: "program" },
    { state: "running", phases: { running: T0 } },
    { drain: { reason: "surplus", at: T0 } },
  ] as const)("not of %o", (other) => {
    expect(ghostCheckAt(aWorker({ ...idle, ...other }))).toBeUndefined();
  });

  test("again when it is mute after that; one that pings is asked, never stopped", () => {
    const drain = { reason: "registration-gone", at: T0 + 10_000 } as const;
    const mute = { ...idle, registered: true, heartbeatAt: T0, drain };
    const again = { type: "check-registration", ifGone: "lost" };
    expect(decide(mute, 10_000 + DRAIN_MS)).toEqual(again);
    expect(decide(mute, 10_000 + DRAIN_MS - 1)).toMatchObject({ type: "wait" });
    expect(decide({ ...mute, heartbeatAt: T0 + 10_000 }, DAY)).toMatchObject({ type: "wait" });
    expect(decide({ ...mute, registered: false }, DAY)).toEqual({ type: "unready" });
    expect(decide({ ...mute, state: "booted" }, DAY)).toEqual(again);
    expect(decide({ ...mute, kind: "api-runner" }, DAY)).toMatchObject({ type: "wait" });
    expect(decide({ ...mute, state: "running" }, 20_000 + DRAIN_MS)).toMatchObject({ type: "wait" });
  });
});

test("a worker that runs a job is not looked at later than its execution limit", () => {
  const until = LIMITS.executionMs - 1_000;
  expect(decide({ state: "running", phases: { running: T0 }, heartbeatAt: T0 + until }, until)).toEqual({
    type: "wait",
    until: T0 + LIMITS.executionMs,
  });
  expect(decide({ state: "running", heartbeatAt: T0 + until }, until)).toEqual({
    type: "wait",
    until: T0 + LIMITS.executionMs,
  });
});

describe("property: whatever a worker has gone through", () => {
  const moment = fc.tuple(lifeOfWorker(), fc.nat(3 * DAY));

  test("while its pool runs it, it is never lost, and stopped only at its execution limit", () => {
    fc.assert(
      fc.property(moment, ([worker, afterMs]) => {
        const now = T0 + afterMs;
        const { type } = decideOverdue(worker, "running", { now, limits: LIMITS });
        expect(type).not.toBe("lost");
        const since = now - (worker.phases.running ?? worker.createdAt);
        if (type === "stop") expect([worker.state, since >= LIMITS.executionMs]).toEqual(["running", true]);
        if (type === "boot-timeout") expect([worker.state, worker.bootId]).toEqual(["starting", undefined]);
      }),
      { numRuns: 500 },
    );
  });

  test("it is looked at again, and later than now", () => {
    fc.assert(
      fc.property(moment, fc.constantFrom("running", "ended" as const), ([worker, afterMs], sighting) => {
        const now = T0 + afterMs;
        const overdue = decideOverdue(worker, sighting, { now, limits: LIMITS });
        if (overdue.type === "wait") expect(overdue.until).toBeGreaterThan(now);
      }),
    );
  });
});
