// What was meant by a label that is none: the ways in which people write one, and the labels of others, which are nobody's
// mistake.
import { expect, test } from "vitest";
import { resolveEndpoint } from "../../../shared/domain/admission/matching.ts";
import { nearLabel } from "../../../shared/domain/admission/near-label.ts";
import { aCatalogue, aTemplate } from "../builders.ts";

const CATALOGUE = aCatalogue([
  aTemplate({ name: "linux-arm64-npu-{npus}", selector: "linux-arm64-npu-{npus}", counts: [1, 2, 4, 8] }),
  aTemplate({ name: "linux-aarch64-a2-{npus}", selector: "linux-aarch64-a2-{npus}", counts: [1, 2, 4, 8] }),
  aTemplate({ name: "linux-x64-gpu", selector: "linux-x64-gpu", counts: [] }),
]);
const SELECTORS = CATALOGUE.endpoints.map(({ selector }) => selector);

/** An expression of a workflow that GitHub sent as it was. */
function unfilled(expression: string): string {
  return ["$", `{{ ${expression} }}`].join("");
}

test.each([
  ["linux_arm64_npu_1", "linux-arm64-npu-1"],
  ["Linux.ARM64.NPU.8", "linux-arm64-npu-8"],
  ["linux arm64 npu 1", "linux-arm64-npu-1"],
  ["linuxarm64npu1", "linux-arm64-npu-1"],
  ["linux-arm64-npu--1", "linux-arm64-npu-1"],
  ["linux-arm64-npu-1,", "linux-arm64-npu-1"],
  ["[linux-arm64-npu-1]", "linux-arm64-npu-1"],
  ['"linux-arm64-npu-4"', "linux-arm64-npu-4"],
  ["linux-aarch64-npu-2", "linux-arm64-npu-2"],
  ["linux-arm64-a2-8", "linux-aarch64-a2-8"],
  ["linux-armv8-a2-1", "linux-aarch64-a2-1"],
  ["linux-amd64-gpu", "linux-x64-gpu"],
  ["linux-x86_64-gpu", "linux-x64-gpu"],
  ["linux-x86-64-gpu", "linux-x64-gpu"],
  ["linux-amr64-npu-1", "linux-arm64-npu-1"],
  ["linux-arm64-npu", "linux-arm64-npu-1"],
])("%s: did you mean %s", (label, meant) => {
  expect(nearLabel(label, SELECTORS)).toContain(`did you mean "${meant}"?`);
  expect(resolveEndpoint(["self-hosted", label], CATALOGUE).type).toBe("near-miss");
});

test.each([
  ["self-hosted,linux-arm64-npu-1", "[self-hosted, linux-arm64-npu-1]"],
  ["self-hosted, linux, linux-arm64-npu-1", "[self-hosted, linux, linux-arm64-npu-1]"],
  ["[self-hosted, linux-aarch64-a2-8]", "[self-hosted, linux-aarch64-a2-8]"],
  ["self-hosted linux_arm64_npu_1", "[self-hosted, linux-arm64-npu-1]"],
  ["linux-arm64-npu-2;self-hosted", "[linux-arm64-npu-2, self-hosted]"],
])("%s is one label, and its words are a list", (label, list) => {
  expect(nearLabel(label, SELECTORS)).toBe(`"${label}" is one label; write a list: runs-on: ${list}`);
});

test.each([
  [`linux-arm64-npu-${unfilled("matrix.npus")}`, "linux-arm64-npu-1"],
  [`linux-${unfilled("matrix.arch")}-a2-8`, "linux-aarch64-a2-8"],
  [`${unfilled("inputs.os")}-arm64-npu-4`, "linux-arm64-npu-4"],
])("%s was not filled in", (label, meant) => {
  const reason = `"${label}" has an expression that was not filled in; did you mean "${meant}"?`;
  expect(nearLabel(label, SELECTORS)).toBe(reason);
});

/** Labels that jobs of Ascend's projects asked for in 2026, and that these endpoints do not have. */
const OTHERS = [
  "linux-aarch64-a3-16",
  "linux-aarch64-a3-8",
  "linux-aarch64-a3-2",
  "linux-aarch64-a3-0",
  "linux-aarch64-a3-0-cn12-001",
  "linux-aarch64-a3-4-cn12-001",
  "linux-aarch64-a3-16-",
  "linux-aarch64-a3-800t-2",
  "linux-aarch64-a3-800t-16",
  "linux-aarch64-a2b3-1",
  "linux-aarch64-a2b3-8",
  "linux-aarch64-a2b1-8",
  "linux-aarch64-a5-4",
  "linux-aarch64-310p-1",
  "linux-aarch64-310p-4",
  "linux-aarch64-nightly-a3-4",
  "linux-amd64-cpu-4",
  "xllm-a2-x86-cicd",
  "flash-linear-attention-npu",
  "ascend_910b",
  "910B",
  "a2a3",
  "a2a3pod",
  "a3-752t",
  "ascend",
  "labels",
  "npu",
  unfilled("inputs.runner"),
  unfilled("matrix.runner_labels"),
  unfilled("needs.preprocess.outputs.runner"),
  "self-hosted",
  "Linux",
  "ARM64",
  "X64",
  "ubuntu-24.04",
  "windows-2022-arm",
];

test.each(OTHERS)("%s is another's, and no mistake", (label) => {
  expect(nearLabel(label, SELECTORS)).toBeUndefined();
  expect(resolveEndpoint(["self-hosted", label], CATALOGUE).type).toBe("foreign");
});
