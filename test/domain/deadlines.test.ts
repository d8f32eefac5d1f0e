// The deadlines fit each other: where one waits for another, it waits longer.
import { expect, test } from "vitest";
import * as deadlines from "../../shared/domain/deadlines.ts";

test.each([
  ["a heartbeat is written", "PING_MS", "HEARTBEAT_WRITE_MS"],
  ["a pass ends before its start is resumed", "PASS_LEASE_MS", "RESUME_START_MS"],
  ["a worker that reported needs no grace of one that did not", "FINISHED_GRACE_MS", "STOP_GRACE_MS"],
  ["a drain may interrupt the runner and wait for it", "STOP_GRACE_MS", "DRAIN_MS"],
  ["GitHub's word is awaited before it is asked again", "GITHUB_WORD_MS", "GITHUB_RECHECK_MS"],
  ["a start is retried fast before slowly", "START_RETRY_MAX_MS", "SLOW_RETRY_MS"],
  ["back-off has room to grow", "START_RETRY_MIN_MS", "START_RETRY_MAX_MS"],
  ["GitHub cancels a job that waits before its history is gone", "GITHUB_QUEUE_MS", "HISTORY_MS"],
] as const)("%s: %s < %s", (_why, shorter, longer) => {
  expect(deadlines[shorter]).toBeLessThan(deadlines[longer]);
});

test("a worker is called silent after at least three heartbeats that could have been written", () => {
  expect(deadlines.HEARTBEAT_LOST_MS).toBeGreaterThan(3 * deadlines.HEARTBEAT_WRITE_MS);
});
