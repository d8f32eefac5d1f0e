// Labels compare as GitHub compares them.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  covers,
  editDistance,
  isGeneric,
  isHosted,
  labelSet,
  missing,
  normalize,
} from "../../../shared/domain/admission/labels.ts";
import { label, labels, sameLabels } from "../arbitraries.ts";

describe("hosted and generic labels", () => {
  test.each([
    "ubuntu-latest",
    "Ubuntu-24.04",
    "ubuntu-24.04-arm",
    "ubuntu-slim",
    "windows-2025",
    "windows-11-arm",
    "macos-15-intel",
    "macos-latest-xlarge",
  ])("%s is GitHub's", (hosted) => {
    expect(isHosted(hosted)).toBe(true);
    expect(isGeneric(hosted)).toBe(true);
  });

  test.each(["self-hosted", "Linux", " ARM64 ", "x64"])("%s chooses no endpoint", (generic) => {
    expect(isHosted(generic)).toBe(false);
    expect(isGeneric(generic)).toBe(true);
  });

  test.each(["linux-aarch64-a2-1", "ubuntu", "my-ubuntu-latest", "ubuntu-npu", "macos", "npu"])(
    "%s is nobody's but an endpoint's",
    (own) => expect(isHosted(own)).toBe(false),
  );

  test("a label of ours is not generic", () => expect(isGeneric("linux-aarch64-a2-1")).toBe(false));
});

describe("label sets", () => {
  test("are sorted, lower-case and without repetition", () => {
    expect(labelSet([" NPU", "linux", "npu", "Linux", "a2"])).toEqual(["a2", "linux", "npu"]);
  });

  test("name what a runner lacks", () => {
    expect(missing(["A2", "linux"], ["a2", "x", "LINUX", "b", "b"])).toEqual(["b", "x"]);
    expect(covers(["A2", "linux"], ["LINUX", "a2"])).toBe(true);
    expect(covers(["A2"], ["linux", "a2"])).toBe(false);
  });

  test("property: order, case and repetition do not matter", () => {
    fc.assert(
      fc.property(sameLabels(), ([one, other]) => {
        expect(labelSet(other)).toEqual(labelSet(one));
        expect(labelSet(labelSet(one))).toEqual(labelSet(one));
      }),
    );
  });

  test("property: a runner covers a job exactly when adding the job's labels adds nothing", () => {
    fc.assert(
      fc.property(labels(), labels(), (runner, job) => {
        expect(covers(runner, job)).toBe(labelSet([...runner, ...job]).length === labelSet(runner).length);
        expect(covers([...runner, ...missing(runner, job)], job)).toBe(true);
      }),
    );
  });

  test("property: normalizing twice is normalizing once", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(normalize(normalize(text))).toBe(normalize(text));
      }),
    );
  });
});

describe("edit distance", () => {
  test.each([
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["linux-aarch64-a2-1", "linux-arch64-a2-1", 1],
    ["kitten", "sitting", 3],
    ["ab", "ba", 2],
  ])("from %j to %j is %i", (from, to, edits) => expect(editDistance(from, to)).toBe(edits));

  test("property: it is a metric", () => {
    fc.assert(
      fc.property(label(), label(), label(), (a, b, c) => {
        expect(editDistance(a, a)).toBe(0);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  test("property: one inserted character costs one", () => {
    fc.assert(
      fc.property(label(), fc.nat(), (text, at) => {
        const cut = at % (text.length + 1);
        expect(editDistance(text, `${text.slice(0, cut)}_${text.slice(cut)}`)).toBe(1);
      }),
    );
  });
});
