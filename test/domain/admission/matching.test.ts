// Labels resolve to one endpoint, or to the reason why none serves them.
import { describe, expect, test } from "vitest";
import { labelSet } from "../../../shared/domain/admission/labels.ts";
import { rejectionOf, resolveEndpoint } from "../../../shared/domain/admission/matching.ts";
import { aCatalogue, anEndpoint, aTemplate } from "../builders.ts";

const catalogue = aCatalogue();
const resolve = (...labels: string[]) => resolveEndpoint(labels, catalogue);

describe("a job gets the endpoint whose selector it names", () => {
  test.each([
    [["linux-aarch64-a2-4"], "linux-aarch64-a2-4"],
    [["self-hosted", "linux", "arm64", "linux-aarch64-a2-1"], "linux-aarch64-a2-1"],
    [["Linux-ARM64-NPU-1"], "linux-arm64-npu-1"],
    [["npu", "linux-arm64-npu-1", "npu"], "linux-arm64-npu-1"],
    [["linux-x64-cpu"], "linux-x64-cpu"],
  ])("%j: %s", (labels, name) => {
    expect(resolve(...labels)).toMatchObject({ type: "endpoint", endpoint: { name } });
  });
});

describe("nothing of ours", () => {
  test.each([
    [["self-hosted", "linux", "arm64"]],
    [["self-hosted", "linux", "arm64", "npu"]],
    [["ubuntu-latest"]],
    [["dependabot"]],
    [["linux-aarch64-a2-99999"]],
    [["a2"]],
  ])("%j starts nothing", (labels) => {
    expect(resolve(...labels)).toEqual({
      type: "foreign",
      reason: `no endpoint has the selector label of [${labelSet(labels).join(", ")}]`,
    });
  });

  test("a job without labels names only a runner group", () => {
    expect(resolve()).toMatchObject({ type: "foreign", reason: expect.stringContaining("no labels") });
  });

  test("more labels than any runner can have: nothing is matched and nothing kept", () => {
    const labels = Array.from({ length: 35_000 }, (_, n) => `linux-aarch64-a2-${n}`);
    const reason = "it has 35000 labels, no runner has more than 100";
    expect(resolve(...labels)).toEqual({ type: "foreign", reason });
  });
});

describe("a near miss says what to do", () => {
  const reasonOf = (...labels: string[]) => {
    const resolution = resolve(...labels);
    if (resolution.type !== "near-miss") throw new Error(`${resolution.type}, not a near miss`);
    return resolution.reason;
  };

  test("a count that is not offered: the offered ones", () => {
    expect(reasonOf("linux-aarch64-a2-3")).toBe(
      '"linux-aarch64-a2-3": 3 cards are not offered; ask for linux-aarch64-a2-1, linux-aarch64-a2-2, linux-aarch64-a2-4, linux-aarch64-a2-8',
    );
    expect(reasonOf("self-hosted", "LINUX-AARCH64-A2-16")).toContain('"linux-aarch64-a2-16": 16 cards');
    expect(reasonOf("linux-aarch64-a2-0")).toContain("0 cards are not offered");
  });

  test("a count with a leading zero is a typo, not a count that is not offered", () => {
    expect(reasonOf("linux-aarch64-a2-04")).toContain('did you mean "linux-aarch64-a2-4"?');
  });

  test("a label that the endpoint's runners lack", () => {
    expect(reasonOf("linux-aarch64-a2-1", "x64", "fast")).toBe(
      'linux-aarch64-a2-1: its runners do not have "fast", "x64"; remove it from runs-on or add it to the endpoint\'s labels in dispatch.yaml',
    );
  });

  test("two endpoints at once: the first one's reason", () => {
    expect(reasonOf("linux-arm64-npu-1", "linux-aarch64-a2-2")).toContain(
      'linux-aarch64-a2-2: its runners do not have "linux-arm64-npu-1"',
    );
  });

  test.each([
    ["linux-arch64-a2-1", "linux-aarch64-a2-1"],
    ["linux-aarch64-a2-", "linux-aarch64-a2-1"],
    ["linux-aarch64-a2_8", "linux-aarch64-a2-8"],
    ["linux-arm64-npu1", "linux-arm64-npu-1"],
    ["linux_arm64_npu-1", "linux-arm64-npu-1"],
  ])("a typo %s: did you mean the nearest, %s", (label, meant) => {
    expect(reasonOf(label)).toBe(`no endpoint has "${label}"; did you mean "${meant}"?`);
  });

  test("short and generic labels are nobody's typo", () => {
    const short = aCatalogue([
      aTemplate({ name: "a2x", selector: "a2x", counts: [] }),
      aTemplate({ name: "arm46", selector: "ubuntu-22", counts: [] }),
    ]);
    expect(resolveEndpoint(["a3x"], short).type).toBe("foreign");
    expect(resolveEndpoint(["ubuntu-24"], short).type).toBe("foreign");
    expect(resolveEndpoint(["ubunto-22"], short).type).toBe("near-miss");
  });
});

test("a count between two texts is read between them", () => {
  const around = aCatalogue([aTemplate({ name: "a2-{npus}", selector: "a2-{npus}-npu" })]);
  expect(resolveEndpoint(["a2-3-npu"], around)).toMatchObject({
    type: "near-miss",
    reason: '"a2-3-npu": 3 cards are not offered; ask for a2-1-npu, a2-2-npu, a2-4-npu, a2-8-npu',
  });
  expect(resolveEndpoint(["a2-npu"], around).type).not.toBe("endpoint");
  expect(resolveEndpoint(["a2-3-xyz"], around)).toEqual({
    type: "foreign",
    reason: "no endpoint has the selector label of [a2-3-xyz]",
  });
});

test("an endpoint without a pattern offers no other counts: what is near its selector is a typo", () => {
  expect(resolve("linux-arm64-npu-16")).toMatchObject({
    reason: expect.stringContaining('did you mean "linux-arm64-npu-1"'),
  });
  const six = aCatalogue([aTemplate({ name: "npu-a2", selector: "npu-a2", counts: [] })]);
  expect(resolveEndpoint(["npu_a2"], six)).toMatchObject({ type: "near-miss" });
});

test("the rejection by an endpoint that the job does not name is not near", () => {
  expect(rejectionOf(["linux"], anEndpoint())).toEqual({
    near: false,
    reason: 'linux-aarch64-a2-1: the job does not ask for "linux-aarch64-a2-1"',
  });
  expect(rejectionOf(["LINUX", "linux-aarch64-a2-1"], anEndpoint())).toBeUndefined();
});

describe("the architecture of a runner with default labels", () => {
  const listed = ["self-hosted", "Linux", "ARM64", "fast"];
  const endpoint = aTemplate({ name: "fast", selector: "fast", labels: [], counts: [], defaultLabels: true });
  const on = (architecture: "X64" | "ARM64" | undefined) => aCatalogue([{ ...endpoint, architecture }]);

  test("is one of its labels where it is known", () => {
    expect(resolveEndpoint(listed, on("ARM64"))).toMatchObject({ type: "endpoint" });
    expect(resolveEndpoint(listed, on("X64"))).toEqual({
      type: "near-miss",
      reason: 'fast: its runners are X64, not "arm64"; remove it from runs-on or ask for another endpoint',
    });
    const without = aCatalogue([{ ...endpoint, architecture: "ARM64", defaultLabels: false }]);
    expect(resolveEndpoint(listed, without)).toMatchObject({ reason: /do not have "arm64", "linux"/ });
  });

  test("is added by hand where it is not", () => {
    expect(resolveEndpoint(listed, on(undefined))).toMatchObject({
      type: "near-miss",
      reason: expect.stringContaining('do not have "arm64"; remove it from runs-on or add it'),
    });
    const told = aCatalogue([{ ...endpoint, labels: ["arm64"] }]);
    expect(resolveEndpoint(listed, told)).toMatchObject({ type: "endpoint" });
  });
});

test.each([["self-hosted", "linux", "ARM64"], ["fast"], ["npud-some-worker"]])(
  "a job for the runner of an API job is no near miss: its labels are in its request (%s)",
  (...further) => {
    const api = aTemplate({ name: "runpod", selector: "runpod", labels: [], counts: [], startedBy: "api" });
    expect(resolveEndpoint(["runpod", ...further], aCatalogue([api]))).toMatchObject({ type: "endpoint" });
  },
);
