// What a worker's last word means for the job it served.
import { expect, test } from "vitest";
import { isFailedStart, isPermanent } from "../../shared/domain/worker-report.ts";

test.each([
  ["ran", false, false],
  ["idle", false, false],
  ["cancelled", false, false],
  ["preflight-failed", true, false],
  ["registration-refused", true, false],
  ["config-failed", true, false],
  ["runner-failed", true, false],
  ["runner-too-old", true, true],
  ["no-runner", true, true],
] as const)("%s: failed start %s, permanent %s", (outcome, failed, permanent) => {
  expect(isFailedStart(outcome)).toBe(failed);
  expect(isPermanent(outcome)).toBe(permanent);
});
