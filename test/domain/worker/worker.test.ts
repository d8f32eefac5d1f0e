// What a worker's state says: does it hold cards, could it take a workflow job, may it be running one.
import { expect, test } from "vitest";
import type { WorkerState } from "../../../shared/domain/worker/worker.ts";
import { isLive, isServing, mayRunJob } from "../../../shared/domain/worker/worker.ts";
import { aWorker } from "../builders.ts";

test.each<[WorkerState, boolean, boolean, boolean]>([
  ["reserving", true, true, false],
  ["starting", true, true, false],
  ["booted", true, true, false],
  ["listening", true, true, true],
  ["running", true, true, true],
  ["finished", true, false, false],
  ["lost", true, false, false],
  ["released", false, false, false],
])("%s: live %s, serving %s, may run a job %s", (state, live, serving, mayRun) => {
  const worker = aWorker({ state });
  expect(isLive(worker)).toBe(live);
  expect(isServing(worker)).toBe(serving);
  expect(mayRunJob(worker)).toBe(mayRun);
});
