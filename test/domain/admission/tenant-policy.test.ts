// Which repositories and workflows a tenant's policy lets in, and that a pattern is never more than its text and its stars.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_TENANT_SETTINGS } from "../../../shared/domain/admission/tenant.ts";
import {
  policyOf,
  repositoryRefusal,
  repositorySource,
  workflowSource,
} from "../../../shared/domain/admission/tenant-policy.ts";
import { tenantId } from "../../../shared/domain/ids.ts";

const POLICY = { repositories: undefined, workflows: undefined, forks: "refuse" } as const;
const KERNELS = { owner: "Acme", name: "kernels" };

describe("the policy of an owner", () => {
  test("is its own entry's", () => {
    const acme = {
      ...DEFAULT_TENANT_SETTINGS,
      owner: "acme",
      repositories: ["kernels"],
      forks: "allow" as const,
    };
    const policy = policyOf([acme], { id: tenantId(1), login: "Acme" });
    expect(policy).toEqual({ repositories: ["kernels"], workflows: undefined, forks: "allow" });
  });

  test("refuses forks where nobody named it", () => {
    expect(policyOf([], { id: tenantId(1), login: "acme" })).toEqual(POLICY);
  });
});

describe("repositories", () => {
  test.each([
    [undefined, true],
    [["KERNELS"], true],
    [["models", "kern*"], true],
    [["*"], true],
    [["kernel"], false],
    [["kernels-*"], false],
    [["k.rnels"], false],
  ])("%s", (repositories, isIn) => {
    const refusal = repositoryRefusal({ ...POLICY, repositories }, KERNELS);
    expect(refusal === undefined).toBe(isIn);
    if (!isIn)
      expect(refusal).toMatch(
        /^refused by policy: the repository Acme\/kernels .* dispatch.yaml; add kernels/,
      );
  });
});

describe("workflows", () => {
  const fits = (pattern: string, workflow: string) => new RegExp(workflowSource([pattern])).test(workflow);

  test.each([
    [".github/workflows/npu.yml", ".github/workflows/npu.yml@refs/heads/x@y", true],
    [".github/workflows/npu-*.yml", ".github/workflows/npu-1.yml@refs/pull/3/merge", true],
    [".github/workflows/npu.yml@refs/heads/main", ".github/workflows/npu.yml@refs/heads/main", true],
    [".github/workflows/npu.yml@refs/heads/main", ".github/workflows/npu.yml@refs/heads/main2", false],
    [".github/workflows/npu.yml@refs/tags/*", ".github/workflows/npu.yml@refs/heads/v1", false],
    [".github/workflows/npu.yml", ".github/workflows/NPU.yml@refs/heads/main", false],
    [".github/workflows/npu.yml", "eve/x/.github/workflows/npu.yml@refs/heads/main", false],
  ])("%s and %s: %s", (pattern, workflow, isIn) => expect(fits(pattern, workflow)).toBe(isIn));
});

test("a pattern without a star fits itself and nothing else", () => {
  const text = fc.string({ maxLength: 20 }).filter((one) => !/[*\n\r\u2028\u2029]/.test(one));
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const source = new RegExp(repositorySource([pattern]));
      expect(source.test(pattern)).toBe(true);
      expect(source.test(name)).toBe(name === pattern);
    }),
  );
});
