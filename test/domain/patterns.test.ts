// Names with `*`.
import fc from "fast-check";
import { expect, test } from "vitest";
import { matcherOf } from "../../shared/domain/patterns.ts";

test.each([
  [["quay.io/ascend/cann:*"], "quay.io/ascend/cann:9.1.0-910b-ubuntu22.04-py3.12", true],
  [["swr.*/ascend-ci/cann:*"], "swr.cn-southwest-2.myhuaweicloud.com/base_image/ascend-ci/cann:9.1.0", true],
  [["quay.io/ascend/cann:*"], "quayXio/ascend/cann:9", false],
  [["quay.io/ascend/cann"], "quay.io/ascend/cann:9", false],
  [["a", "b"], "b", true],
  [["a|b"], "a", false],
  [["*"], "", true],
  [[], "", false],
  [[], "a", false],
])("%j fits %j: %s", (patterns, name, fits) => {
  expect(matcherOf(patterns).test(name)).toBe(fits);
});

test("letters count unless said otherwise", () => {
  expect(matcherOf(["Kernels"]).test("kernels")).toBe(false);
  expect(matcherOf(["Kernels"], "any-case").test("kernels")).toBe(true);
});

test("a name without * fits itself alone", () => {
  const name = fc.string().filter((text) => !text.includes("*"));
  fc.assert(fc.property(name, name, (one, other) => matcherOf([one]).test(other) === (one === other)));
});
