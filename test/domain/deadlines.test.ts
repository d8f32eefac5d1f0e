// The deadlines fit each other: where one waits for another, it waits longer.
import { expect, test } from "vitest";
import {
  DRAIN_MS,
  FINISHED_GRACE_MS,
  GITHUB_QUEUE_MS,
  HEARTBEAT_LOST_MS,
  HEARTBEAT_WRITE_MS,
  HISTORY_MS,
  MAX_FAST_STARTS,
  PASS_LOCK_MS,
  PING_MS,
  RESUME_START_MS,
  SLOW_RETRY_MS,
  START_RETRY_MAX_MS,
  START_RETRY_MIN_MS,
  STOP_GRACE_MS,
} from "../../shared/domain/deadlines.ts";

test.each([
  ["each written heartbeat has one to write", PING_MS, HEARTBEAT_WRITE_MS],
  [
    "three heartbeats may be missed before a worker is called silent",
    3 * HEARTBEAT_WRITE_MS,
    HEARTBEAT_LOST_MS,
  ],
  ["a pass has lost its lock before its start is resumed", PASS_LOCK_MS, RESUME_START_MS],
  ["a worker that reported needs less grace than one that did not", FINISHED_GRACE_MS, STOP_GRACE_MS],
  ["a drain may interrupt the runner and wait for it", STOP_GRACE_MS, DRAIN_MS],
  ["one that was asked to drain is called mute only when it would be silent", HEARTBEAT_LOST_MS, DRAIN_MS],
  ["back-off has room to grow", START_RETRY_MIN_MS * 2 ** (MAX_FAST_STARTS - 1), START_RETRY_MAX_MS],
  ["a job is held for longer than it backs off", START_RETRY_MAX_MS, SLOW_RETRY_MS],
  ["GitHub gives a job up before its history is gone", GITHUB_QUEUE_MS, HISTORY_MS],
])("%s: %i ms < %i ms", (_why, shorterMs, longerMs) => {
  expect(shorterMs).toBeLessThan(longerMs);
});
