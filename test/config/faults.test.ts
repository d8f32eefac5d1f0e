// What is wrong with a dispatch.yaml: every fault with its place and its fix.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConfigFault } from "../../shared/config/config.ts";
import { parseConfig } from "../../shared/config/parse.ts";

function faultsOf(text: string): readonly ConfigFault[] {
  const parsed = parseConfig(text);
  return parsed.ok ? [] : parsed.faults;
}

const POOLS = `
pools:
  local: {driver: local, kind: npu, cards: 4, allowedCounts: [1, 2]}
  cpus: {driver: local, kind: cpu}
`;
/** A document with these endpoints, and further sections. */
const withEndpoints = (endpoints: readonly string[], rest = "") =>
  `${POOLS}endpoints:\n${endpoints.map((entry) => `  - {${entry}}\n`).join("")}${rest}`;

describe("faults", () => {
  test.each<[string, string, string, RegExp, RegExp]>([
    ["unknown pool", "name: a, pool: locl", "pool", /no pool "locl"/, /mean local/],
    ["pattern without npus", 'name: "a-{npus}", pool: local', "npus", /missing/, /npus: \[1/],
    ["npus without pattern", "name: a, npus: [1], pool: local", "npus", /no \{npus\}/, /Put \{npus\}/],
    [
      "pattern with cards",
      'name: "a-{npus}", npus: [1], cards: 1, pool: local',
      "cards",
      /are its/,
      /Remove/,
    ],
    [
      "selector without npus",
      'name: "a-{npus}", npus: [1, 2], selector: s, pool: local',
      "selector",
      /same selector/,
      /"s-\{npus\}"/,
    ],
    ["count not allowed", 'name: "a-{npus}", npus: [1, 3], pool: local', "npus[1]", /not allow 3/, /1, 2/],
    ["too many cards", "name: a, cards: 8, pool: local", "cards", /8 never fit/, /at most 4/],
    ["cards in a cpu pool", "name: a, cards: 1, pool: cpus", "cards", /no cards/, /Write 0/],
    ["bad name", "name: A_b, pool: local", "name", /right form/, /lower-case/],
    ["name ends with a dash", "name: a-, pool: local", "name", /cannot be a name/, /dash/],
    [
      "hosted selector",
      "name: a, selector: Ubuntu-22.04, pool: local",
      "selector",
      /catch jobs/,
      /label of your own/,
    ],
    [
      "generic selector",
      "name: a, selector: Self-Hosted, pool: local",
      "selector",
      /catch jobs/,
      /label of your own/,
    ],
    [
      "label with a comma",
      'name: a, labels: ["x,y"], pool: local',
      "labels[0]",
      /right form/,
      /without commas/,
    ],
    ["long label", `name: a, labels: [${"x".repeat(257)}], pool: local`, "labels[0]", /256/, /256/],
    [
      "too many labels",
      `name: a, pool: local, labels: [${Array.from({ length: 100 }, (_, index) => `l${index}`)}]`,
      "labels",
      /99/,
      /labels/,
    ],
    [
      "a number for a duration",
      "name: a, pool: local, limits: {idle: 30}",
      "limits.idle",
      /Expected string/,
      /90s/,
    ],
    ["a wrong duration", "name: a, pool: local, limits: {idle: 5 min}", "limits.idle", /right form/, /90s/],
    ["no time", "name: a, pool: local, limits: {boot: 0s}", "limits.boot", /no time/, /1s/],
    ["over 5 days", "name: a, pool: local, limits: {execution: 6d}", "limits.execution", /5 days/, /5d/],
    ["misspelt key", "name: a, pool: local, selctor: x", "selctor", /no such setting/, /mean selector/],
    ["unknown choice", "name: a, pool: local, startedBy: cron", "startedBy", /webhook/, /webhook/],
  ])("%s", (_name, endpoint, field, message, fix) => {
    const faults = faultsOf(withEndpoints([endpoint]));
    const at = faults.filter(({ path }) => path === `endpoints[0].${field}`);
    expect(at, JSON.stringify(faults)).toHaveLength(1);
    expect(at[0]?.message).toMatch(message);
    expect(at[0]?.fix).toMatch(fix);
  });

  test("names and selectors are unique, whatever their case", () => {
    const faults = faultsOf(
      withEndpoints([
        'name: "a-{npus}", npus: [1, 2], pool: local',
        "name: a-2, selector: z, pool: local",
        "name: b, selector: A-1, pool: local",
        "name: c, labels: [Z], pool: local",
      ]),
    );
    expect(faults.map(({ path, message }) => [path, message])).toEqual([
      ["endpoints[1].name", 'The name "a-2" is already that of endpoints[0].'],
      ["endpoints[2].selector", 'The selector "A-1" is already that of endpoints[0].'],
      ["endpoints[3].labels[0]", 'The label "Z" is the selector of endpoint a-2: its jobs would land here.'],
    ]);
  });

  test("tenants and pools", () => {
    const text = `
pools:
  c: {driver: local, kind: cpu, cards: 2, env: {DISPATCH_SECRET: x}}
  Upper: {driver: local, kind: npu}
  k8s: {driver: nomad, kind: npu}
endpoints: [{name: a, pool: c}]
tenants:
  - {owner: acme, ownerId: 1, runnerGroup: 12}
  - {owner: bob, ownerId: 7}
  - {owner: BOB, ownerId: "7", level: repository, runnerGroup: g}
`;
    expect(
      faultsOf(text)
        .map(({ path }) => path)
        .sort(),
    ).toEqual([
      "pools.Upper",
      "pools.c.cards",
      "pools.c.env.DISPATCH_SECRET",
      "pools.k8s.driver",
      "tenants[0].runnerGroup",
      "tenants[2].owner",
      "tenants[2].ownerId",
      "tenants[2].runnerGroup",
    ]);
  });

  test.each([
    ["repositories: [acme/kernels]", "tenants[0].repositories[0]", "names without the owner"],
    ["repositories: []", "tenants[0].repositories", "all when left out"],
    ["workflows: [npu.yml]", "tenants[0].workflows[0]", ".github/workflows/npu.yml"],
    ["workflows: [.github/workflows/npu.yml@main]", "tenants[0].workflows[0]", "@refs/heads/main"],
    ["forks: deny", "tenants[0].forks", "refuse fails their jobs"],
  ])("policy %s", (setting, path, fix) => {
    const faults = faultsOf(
      withEndpoints(["name: a, pool: local"], `tenants: [{owner: acme, ${setting}}]\n`),
    );
    expect(faults).toMatchObject([{ path, fix: expect.stringContaining(fix) }]);
  });

  test("all at once: bad form in one entry does not hide the others' faults", () => {
    const faults = faultsOf(withEndpoints(["name: 1, pool: local", "name: b, pool: nowhere"], "extra: 1\n"));
    expect(faults.map(({ path }) => path).sort()).toEqual([
      "endpoints[0].name",
      "endpoints[1].pool",
      "extra",
    ]);
  });

  test.each([
    ["", "dispatch.yaml"],
    ["a: [", "line 1"],
    ["pools: {}\npools: {}\nendpoints: []", "line 2"],
    ["- 1", "dispatch.yaml"],
    ["pools: {}", "endpoints"],
    [
      `a: &a [x, x]\n${Array.from({ length: 9 }, (_, i) => `b${i}: &b${i} [${Array(9).fill(i ? `*b${i - 1}` : "*a")}]`).join("\n")}`,
      "dispatch.yaml",
    ],
  ])("no configuration at all: %j", (text, path) => {
    expect(faultsOf(text)[0]).toMatchObject({ path, fix: expect.stringMatching(/\S/) });
  });

  test("never throws, and a refusal has at least one fault with a fix", () => {
    const keys = fc.constantFrom(
      "pools",
      "endpoints",
      "tenants",
      "limits",
      "publicUrl",
      "name",
      "pool",
      "npus",
    );
    const document = fc.dictionary(keys, fc.jsonValue({ maxDepth: 4 }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          document.map((json) => JSON.stringify(json)),
        ),
        (text) => {
          const parsed = parseConfig(text);
          if (parsed.ok) return;
          expect(parsed.faults.length).toBeGreaterThan(0);
          for (const fault of parsed.faults) expect(fault.fix).not.toBe("");
        },
      ),
    );
  });
});
