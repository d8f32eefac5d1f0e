import fc from "fast-check";
import { expect, it } from "vitest";
import type { WorkerEvent } from "../../../worker/life/worker-state.ts";
import {
  byJit,
  byPat,
  byToken,
  completed,
  configured,
  drain,
  ended,
  graceOver,
  hookCompleted,
  hookStarted,
  listening,
  passed,
  play,
  refused,
  running,
  signal,
  taken,
  types,
} from "../support/life.ts";

it("reports exactly once and exits exactly once in any order of events", () => {
  const any = fc.constantFrom<WorkerEvent>(
    ...[
      taken,
      passed,
      byToken,
      byPat,
      byJit,
      configured,
      listening,
      running,
      completed,
      drain,
      signal,
      graceOver,
    ],
    ...[hookStarted(), hookStarted("refused by policy: no"), hookCompleted],
    ...[refused, ended(), { type: "deregistered" } as const, { type: "reported" } as const],
  );
  fc.assert(
    fc.property(fc.array(any, { maxLength: 40 }), (events) => {
      const { effects, state } = play(...events);
      const count = (type: string) => types(effects).filter((each) => each === type).length;
      expect(count("report")).toBeLessThanOrEqual(1);
      expect(count("exit")).toBe(state.step === "ended" ? 1 : 0);
      expect(count("start-runner")).toBeLessThanOrEqual(1);
      expect(count("interrupt-runner")).toBeLessThanOrEqual(1);
      // A job that runs is interrupted by a signal only, or after its own result.
      const wasRunning = state.jobName !== undefined && state.ending?.type !== "drained";
      if (wasRunning && state.interrupted) expect(state.signals > 0 || state.result !== undefined).toBe(true);
    }),
    { numRuns: 500 },
  );
});
