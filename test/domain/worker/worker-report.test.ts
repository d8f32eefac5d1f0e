// What a worker's last word means for the job it served.
import { expect, test } from "vitest";
import { blamesCards, isFailedStart, isPermanent } from "../../../shared/domain/worker-report.ts";
import { aReport } from "../builders.ts";

test.each([
  ["ran", false, false],
  ["idle", false, false],
  ["cancelled", false, false],
  ["preflight-failed", true, false],
  ["registration-refused", true, false],
  ["config-failed", true, false],
  ["runner-failed", true, false],
  ["runner-died", false, false],
  ["runner-too-old", true, true],
  ["no-runner", true, true],
] as const)("%s: failed start %s, permanent %s", (outcome, failed, permanent) => {
  expect(isFailedStart(outcome)).toBe(failed);
  expect(isPermanent(outcome)).toBe(permanent);
});

test("a failed preflight blames the cards, unless there were none: that every other card meets too", () => {
  const failed = aReport({ outcome: "preflight-failed", message: "card 2 says Health: Alarm" });
  expect(blamesCards(failed)).toBe(true);
  expect(blamesCards({ ...failed, message: "E_NO_DEVICE: no /dev/davinci* is there" })).toBe(false);
  expect(blamesCards({ ...failed, message: "after E_NO_DEVICE" })).toBe(true);
  expect(blamesCards({ ...failed, outcome: "config-failed" })).toBe(false);
});
