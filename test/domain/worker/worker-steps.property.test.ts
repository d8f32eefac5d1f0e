// What holds for a worker whatever happens to it, in any order.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Worker, WorkerPhase, WorkerState } from "../../../shared/domain/worker/worker.ts";
import { workerDueAt } from "../../../shared/domain/worker/worker-steps.ts";
import { LIMITS } from "../builders.ts";
import { happenings, livedThrough } from "./worker-life.ts";

const STATES: WorkerState[] = ["reserving", "starting", "booted", "listening", "running", "finished"];
const PHASES: WorkerPhase[] = ["booting", "preflight", "registering", "listening", "running", "done"];
const rankOf = (worker: Worker) =>
  ({ lost: 5, released: 6 })[worker.state as string] ?? STATES.indexOf(worker.state);

test("states and phases never go back", () => {
  fc.assert(
    fc.property(happenings(), (all) => {
      const lives = livedThrough(all);
      for (const [index, worker] of lives.slice(1).entries()) {
        const before = lives[index] as Worker;
        expect(rankOf(worker)).toBeGreaterThanOrEqual(rankOf(before));
        expect(latestPhase(worker)).toBeGreaterThanOrEqual(latestPhase(before));
        for (const phase of PHASES) if (before.phases[phase]) expect(worker.phases[phase]).toBeDefined();
      }
    }),
    { numRuns: 500 },
  );
});

test("the times of phases are in the order of the phases", () => {
  fc.assert(
    fc.property(happenings(), (all) => {
      const { phases } = livedThrough(all).at(-1) as Worker;
      const times = PHASES.map((phase) => phases[phase]).filter((at) => at !== undefined);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});

test("there is a time to look at it, exactly until it is released", () => {
  fc.assert(
    fc.property(happenings(), (all) => {
      for (const worker of livedThrough(all)) {
        expect(worker.dueAt === undefined).toBe(worker.state === "released");
        expect(workerDueAt(worker, LIMITS) === undefined).toBe(worker.state === "released");
      }
    }),
  );
});

test("the first boot keeps the worker, the first report stays, and the version is left to the store", () => {
  fc.assert(
    fc.property(happenings(), (all) => {
      const lives = livedThrough(all);
      for (const [index, worker] of lives.slice(1).entries()) {
        const before = lives[index] as Worker;
        expect(worker.version).toBe(before.version);
        if (before.bootId !== undefined) expect(worker.bootId).toBe(before.bootId);
        if (before.report !== undefined) expect(worker.report).toBe(before.report);
      }
    }),
  );
});

function latestPhase(worker: Worker): number {
  return PHASES.findLastIndex((phase) => worker.phases[phase] !== undefined);
}
