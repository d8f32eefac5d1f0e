// Which names of variables are not an operator's to give.
import { expect, test } from "vitest";
import { isNeverGiven, setterOf } from "../../../shared/domain/worker/own-variables.ts";

test.each([
  ["RUNPOD_AI_API_KEY", "dispatcher", "dispatcher"],
  ["ASCEND_RT_VISIBLE_DEVICES", "dispatcher", "dispatcher"],
  ["GITHUB_SHA", "runner", undefined],
  ["RUNNER_TEMP", "runner", undefined],
  ["RUNNER_TOOL_CACHE", undefined, undefined],
  ["GOPROXY", undefined, undefined],
  ["HF_TOKEN", undefined, undefined],
])("%s is set by: %s for jobs, %s for programs", (name, forJobs, forPrograms) => {
  expect([setterOf(name, "jobs"), setterOf(name, "programs")]).toEqual([forJobs, forPrograms]);
});

test("no job of a runner is given the worker's own names or tokens, however they are written", () => {
  expect(["RUNPOD_POD_ID", "github_token", "DISPATCH_SECRET_PREVIOUS"].map(isNeverGiven)).toEqual([
    true,
    true,
    true,
  ]);
  expect(["MODELSCOPE_CACHE", "MY_RUNPOD_NAME", "GITHUB_TOKENS"].map(isNeverGiven)).toEqual([
    false,
    false,
    false,
  ]);
});
