import { describe, expect, test } from "vitest";
import type { Owner } from "../../../shared/domain/job/api-policy.ts";
import { labelRefusal, policyOf, scopeFor, splitInput } from "../../../shared/domain/job/api-policy.ts";
import { anEndpoint, LIMITS } from "../builders.ts";
import { aProgramEndpoint, KEY_CALLER, OIDC_CALLER } from "./api-builders.ts";

const SIX_HOURS_MS = 21_600_000;
const WEEK_MS = 604_800_000;
const program = aProgramEndpoint({ limits: { ...LIMITS, executionMs: SIX_HOURS_MS } });
const runner = anEndpoint({ limits: { ...LIMITS, executionMs: SIX_HOURS_MS } });

describe("policy", () => {
  test("RunPod's defaults for a program, the endpoint's own limit for a runner", () => {
    const expected = { executionTimeoutMs: 600_000, ttlMs: 86_400_000, lowPriority: false };
    expect(policyOf(undefined, program)).toEqual({ ok: true, value: expected });
    expect(policyOf({}, runner)).toMatchObject({ value: { executionTimeoutMs: SIX_HOURS_MS } });
    const short = aProgramEndpoint({ limits: { ...LIMITS, executionMs: 60_000 } });
    expect(policyOf({}, short)).toMatchObject({ value: { executionTimeoutMs: 60_000 } });
  });

  test("what was asked for within RunPod's bounds", () => {
    const asked = { executionTimeout: 5_000, ttl: WEEK_MS, lowPriority: true };
    expect(policyOf(asked, program)).toEqual({
      ok: true,
      value: { executionTimeoutMs: 5_000, ttlMs: WEEK_MS, lowPriority: true },
    });
  });

  test.each([
    [{ executionTimeout: 4_999 }, "policy.executionTimeout is 4999 ms; give it 5000 to 604800000 ms"],
    [{ executionTimeout: WEEK_MS + 1 }, "policy.executionTimeout"],
    [{ ttl: 9_999 }, "policy.ttl is 9999 ms"],
    [{ ttl: Number.NaN }, "policy.ttl"],
    [{ ttl: WEEK_MS + 1 }, "give it 10000 to 604800000 ms"],
    [{ executionTimeout: SIX_HOURS_MS + 1 }, `allows ${SIX_HOURS_MS} ms`],
  ])("%j is refused", (asked, message) => {
    expect(policyOf(asked, program)).toMatchObject({ ok: false, message: expect.stringContaining(message) });
  });
});

describe("input", () => {
  test("the seed's two fields are taken out, the rest is the workflow's", () => {
    const input = { github_pat: "ghp_abc", github_org: "acme/kernels", n: 1 };
    expect(splitInput(input)).toEqual({
      ok: true,
      value: { ask: { pat: "ghp_abc", org: "acme/kernels", labels: [] }, rest: { n: 1 } },
    });
  });

  test("of an input that is kept as bytes, too", () => {
    const input = new TextEncoder().encode(
      '{"github_pat":"ghp_abc","github_org":"acme","labels":["a"],"n":1}',
    );
    const rest = new TextEncoder().encode('{"n":1}');
    expect(splitInput(input)).toEqual({
      ok: true,
      value: { ask: { pat: "ghp_abc", org: "acme", labels: ["a"] }, rest },
    });
  });

  test.each([["text"], [7], [null], [[{ github_pat: "ghp_abc" }]]])("%j has none", (input) => {
    const ask = { pat: undefined, org: undefined, labels: [] };
    expect(splitInput(input)).toEqual({ ok: true, value: { ask, rest: input } });
  });

  test("a secret that is not set comes as an empty text", () => {
    expect(splitInput({ github_pat: "", github_org: null })).toEqual({
      ok: true,
      value: { ask: { pat: undefined, org: undefined, labels: [] }, rest: {} },
    });
  });

  test.each([
    [{ github_org: "acme; id" }, 'input.github_org must be "organization" or "owner/repository"'],
    [{ github_org: "acme/kernels/more" }, "github_org"],
    [{ github_org: `ghp_${"a".repeat(36)}` }, "belongs into input.github_pat"],
    [{ github_org: `acme/github_pat_${"a".repeat(40)}` }, "belongs into input.github_pat"],
    [{ labels: ["npu", `ghs_${"a".repeat(36)}`] }, "belongs into input.github_pat"],
    [{ github_org: "acme/.." }, "github_org"],
    [{ github_org: "-acme" }, "github_org"],
    [{ github_org: 7 }, "github_org"],
    [{ github_pat: "ghp_abc\nX" }, "input.github_pat is not a token of GitHub"],
    [{ github_pat: { toString: "x" } }, "github_pat"],
  ])("%j is refused with what to send, and the answer does not repeat it", (input, message) => {
    const answer = splitInput(input);
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining(message) });
    expect(JSON.stringify(answer)).not.toContain("ghp_abc");
  });
});

describe("further labels", () => {
  const endpoint = anEndpoint({ selector: "runpod" });
  const other = anEndpoint({ selector: "linux-aarch64-a2-1" });
  const catalogue = { templates: [], endpoints: [endpoint, other] };

  test("are taken out of the input", () => {
    expect(splitInput({ labels: ["a", "b c"], n: 1 })).toEqual({
      ok: true,
      value: { ask: { pat: undefined, org: undefined, labels: ["a", "b c"] }, rest: { n: 1 } },
    });
  });

  test.each([["one"], [7], [["a", "b,c"]], [[""]], [[" a"]], [Array(51).fill("a")], [[null]]])(
    "%j is refused",
    (labels) => {
      const message = expect.stringContaining("at most 50 texts without commas");
      expect(splitInput({ labels })).toMatchObject({ ok: false, message });
    },
  );

  test("may be fifty", () => {
    expect(splitInput({ labels: Array(50).fill("a") }).ok).toBe(true);
  });

  test("may not be another endpoint's selector, a hosted label, or another job's own", () => {
    expect(labelRefusal(["fast", "runpod"], endpoint, catalogue)).toBeUndefined();
    for (const label of ["LINUX-aarch64-a2-1", "ubuntu-latest", "npud-job-000000000000"]) {
      expect(labelRefusal(["fast", label], endpoint, catalogue)).toContain(label);
    }
  });
});

describe("where the runner registers", () => {
  const org: Owner = { type: "Organization", level: "auto", listsRepositories: false };
  const user: Owner = { ...org, type: "User" };
  const none = { pat: undefined, org: undefined };

  test("with a PAT: where that says", () => {
    const ask = { pat: "ghp_abc", org: "globex/site" };
    const value = { type: "repository", owner: "globex", repo: "site" };
    expect(scopeFor(ask, KEY_CALLER, org)).toEqual({ ok: true, value });
  });

  test("without one: at the caller's organization, or in its own repositories", () => {
    const value = { type: "organization", org: "Acme" };
    expect(scopeFor(none, KEY_CALLER, org)).toEqual({ ok: true, value });
    const own = scopeFor({ pat: undefined, org: "ACME/kernels" }, KEY_CALLER, org);
    expect(own).toEqual({ ok: true, value: { type: "repository", owner: "ACME", repo: "kernels" } });
    expect(scopeFor({ pat: undefined, org: "acme" }, KEY_CALLER, org)).toMatchObject({ ok: true });
  });

  test("without one at somebody else's: refused", () => {
    const answer = scopeFor({ pat: undefined, org: "globex" }, KEY_CALLER, org);
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining('"globex"') });
  });

  test("without one a workflow step is held to its own repository, or to its tenant's list", () => {
    const at = (place: string, listsRepositories = false, pat?: string) =>
      scopeFor({ pat, org: place }, OIDC_CALLER, { ...org, listsRepositories });
    for (const place of ["Acme/kernels", "acme/KERNELS", "Acme"]) expect(at(place).ok, place).toBe(true);
    const message = expect.stringContaining('a workflow step of "Acme/kernels"');
    expect(at("Acme/payroll")).toEqual({ ok: false, message });
    expect(at("Acme/payroll", true)).toMatchObject({ ok: true, value: { repo: "payroll" } });
    expect(at("globex/payroll", true).ok).toBe(false);
    expect(at("Acme/payroll", false, "ghp_x").ok).toBe(true);
    const keysRun = { ...OIDC_CALLER, repositoryId: undefined };
    expect(scopeFor({ pat: undefined, org: "Acme/payroll" }, keysRun, org).ok).toBe(true);
    const nowhere = { ...OIDC_CALLER, run: undefined };
    expect(scopeFor({ pat: undefined, org: "Acme/kernels" }, nowhere, org).ok).toBe(false);
  });

  test("of a user, or by the tenant's setting, at the repository of the run", () => {
    const value = { type: "repository", owner: "Acme", repo: "kernels" };
    expect(scopeFor(none, OIDC_CALLER, user)).toEqual({ ok: true, value });
    expect(scopeFor(none, OIDC_CALLER, { ...org, level: "repository" })).toEqual({ ok: true, value });
    const answer = scopeFor(none, KEY_CALLER, user);
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining("Acme/repository") });
  });
});
