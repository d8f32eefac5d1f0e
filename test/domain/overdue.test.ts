// What a worker needs whose time has come.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HEARTBEAT_LOST_MS, PREPARE_MS, SILENT_RECHECK_MS } from "../../shared/domain/deadlines.ts";
import { decideOverdue } from "../../shared/domain/overdue.ts";
import type { Worker } from "../../shared/domain/worker.ts";
import { aWorker, LIMITS, T0 } from "./builders.ts";
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
    ["listens for too long", { state: "listening", phases: { listening: T0 } }, LIMITS.idleMs],
    ["prepares for too long", { state: "booted", phases: { preflight: T0 } }, PREPARE_MS],
  ] as const)("is asked to drain when it %s", (_why, worker, limitMs) => {
    const alive = { ...worker, heartbeatAt: T0 + limitMs - 1 };
    expect(decide(alive, limitMs - 1)).toMatchObject({ type: "wait" });
    expect(decide(alive, limitMs)).toEqual({ type: "drain", reason: "idle" });
  });

  test("is asked once", () => {
    const drain = { reason: "idle", at: T0 } as const;
    expect(decide({ state: "listening", drain, heartbeatAt: T0 }, DAY)).toEqual({
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
