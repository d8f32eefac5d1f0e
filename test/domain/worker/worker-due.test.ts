// When the reconciler looks at a worker.
import { describe, expect, test } from "vitest";
import {
  DRAIN_MS,
  GHOST_CHECK_MS,
  HEARTBEAT_LOST_MS,
  PREPARE_MS,
  RESUME_START_MS,
} from "../../../shared/domain/deadlines.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import type { Worker, WorkerState } from "../../../shared/domain/worker/worker.ts";
import { workerDueAt } from "../../../shared/domain/worker/worker-steps.ts";
import { aWorker, LIMITS, T0 } from "../builders.ts";

describe("the reconciler looks at a worker", () => {
  const at = (state: WorkerState, more: Partial<Worker> = {}) =>
    workerDueAt(aWorker({ state, ...more }), LIMITS);
  const heard = { heartbeatAt: T0 + 9e8 };

  test.each([
    ["reserving", {}, RESUME_START_MS],
    ["starting", {}, LIMITS.bootMs],
    ["starting", { phases: { booting: T0 + 7 } }, LIMITS.bootMs + 7],
    ["booted", { phases: { preflight: T0 + 7 }, ...heard }, PREPARE_MS + 7],
    ["listening", { phases: { listening: T0 + 7 }, ...heard }, GHOST_CHECK_MS + 7],
    [
      "listening",
      { phases: { listening: T0 + 7 }, registrationCheckedAt: T0 + GHOST_CHECK_MS, ...heard },
      LIMITS.idleMs + 7,
    ],
    ["running", { phases: { running: T0 + 7 }, ...heard }, LIMITS.executionMs + 7],
    ["booted", { drain: { reason: "idle", at: T0 + 7 }, ...heard }, DRAIN_MS + 7],
    ["finished", { phases: { done: T0 + 7 } }, 7],
    ["finished", { phases: { done: T0 + 7 }, drain: { reason: "idle", at: T0 } }, 7],
    ["lost", { heartbeatAt: T0 + 7 }, 7],
  ] as const)("that is %s with %o after %i ms", (state, more, afterMs) => {
    expect(at(state, more)).toBe(T0 + afterMs);
  });

  test.each(["booted", "listening", "running"] as const)("that is %s and silent", (state) => {
    expect(at(state, { heartbeatAt: T0 + 7 })).toBe(T0 + 7 + HEARTBEAT_LOST_MS);
    const drain = { reason: "idle", at: T0 + 9e8 } as const;
    expect(at(state, { heartbeatAt: T0 + 7, drain })).toBe(T0 + 7 + HEARTBEAT_LOST_MS);
  });

  test("that runs a job by its limits alone: it has refused to drain, and is spare no more", () => {
    const running = { phases: { running: T0 }, ...heard };
    const drain = { reason: "surplus", at: T0 } as const;
    expect(at("running", { ...running, drain })).toBe(T0 + LIMITS.executionMs);
    expect(at("running", { ...running, spareUntil: T0 + 1 })).toBe(T0 + LIMITS.executionMs);
  });

  test("that was given a job and has not shown it only when it falls silent", () => {
    const lease = { jobId: jobId("j"), generation: 1, givenAt: T0, times: 1 };
    const unsure = { ...lease, ackedAt: undefined, missedAt: undefined };
    const program = { kind: "program", lease: unsure, phases: { listening: T0 }, ...heard } as const;
    expect(at("listening", { ...program, heartbeatAt: T0 })).toBe(T0 + HEARTBEAT_LOST_MS);
    // It may run it since then.
    expect(at("listening", program)).toBe(T0 + LIMITS.executionMs);
  });

  test("that is released never", () => expect(at("released")).toBeUndefined());
});
