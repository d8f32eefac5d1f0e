// dispatch.yaml: what it becomes.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Config, formatFaults } from "../../shared/config/config.ts";
import { fromPacked, toPacked } from "../../shared/config/packed.ts";
import { parseConfig } from "../../shared/config/parse.ts";

const DEFAULT = readFileSync(new URL("../../dispatch.yaml", import.meta.url), "utf8");

function configOf(text: string, machine = "arm64"): Config {
  const parsed = parseConfig(text, machine);
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return parsed.config;
}

const POOLS = `
pools:
  local: {driver: local, kind: npu, cards: 4, allowedCounts: [1, 2]}
  cpus: {driver: local, kind: cpu}
`;
/** A document with these endpoints, and further sections. */
const withEndpoints = (endpoints: readonly string[], rest = "") =>
  `${POOLS}endpoints:\n${endpoints.map((entry) => `  - {${entry}}\n`).join("")}${rest}`;

describe("the default dispatch.yaml", () => {
  test("offers the documented endpoints", () => {
    const { endpoints, pools, tenants } = configOf(DEFAULT);
    expect(endpoints.map(({ name, cards }) => [name, cards])).toEqual([
      ["linux-arm64-npu-1", 1],
      ["linux-arm64-npu-2", 2],
      ["linux-arm64-npu-4", 4],
      ["linux-arm64-npu-8", 8],
      ["linux-aarch64-a2-1", 1],
      ["linux-aarch64-a2-2", 2],
      ["linux-aarch64-a2-4", 4],
      ["linux-aarch64-a2-8", 8],
      ["linux-cpu", 0],
      ["runpod", 1],
    ]);
    expect(pools).toMatchObject([{ name: "local", driver: "local", kind: "npu", cards: "auto" }]);
    expect(tenants).toEqual([]);
  });

  test("its commented examples are valid too", () => {
    const uncommented = DEFAULT.replace(/^# (?=tenants:| {2}|publicUrl:)/gm, "");
    const { tenants, publicUrl } = configOf(uncommented);
    expect(publicUrl).toBe("https://dispatch.example.org");
    expect(tenants.map(({ owner, weight, runnerGroup }) => [owner, weight, runnerGroup])).toEqual([
      ["my-org", 1, "npu"],
      ["another-org", 2, undefined],
      ["a-user", 1, undefined],
    ]);
  });
});

describe("what it becomes", () => {
  test("an endpoint's defaults", () => {
    const [endpoint] = configOf(withEndpoints(["name: a, pool: local"])).endpoints;
    expect(endpoint).toEqual({
      name: "a",
      template: "a",
      selector: "a",
      labels: [],
      pool: "local",
      cards: 1,
      startedBy: "webhook",
      registration: "auto",
      defaultLabels: false,
      architecture: "ARM64",
      image: undefined,
      command: undefined,
      env: {},
      secrets: {},
      capabilities: [],
      containerImages: [],
      limits: { executionMs: 21_600_000, idleMs: 300_000, warmMs: 300_000, bootMs: 900_000 },
    });
  });

  test("a cpu pool's workers have no cards", () => {
    expect(configOf(withEndpoints(["name: a, pool: cpus"])).endpoints[0]?.cards).toBe(0);
  });

  test("patterns fill name, selector and labels", () => {
    const { endpoints } = configOf(
      withEndpoints([
        'name: "a-{npus}", npus: [1, 2, 2], pool: local, selector: "s{npus}", labels: ["l{npus}", x]',
      ]),
    );
    expect(endpoints.map(({ name, selector, labels, cards }) => [name, selector, labels, cards])).toEqual([
      ["a-1", "s1", ["l1", "x"], 1],
      ["a-2", "s2", ["l2", "x"], 2],
    ]);
  });

  test("durations, tenants and URL", () => {
    const { endpoints, tenants, publicUrl } = configOf(
      withEndpoints(
        ["name: a, pool: local, limits: {execution: 1h30m, idle: 90s, boot: 5d}"],
        "tenants: [{owner: Acme, ownerId: 123, weight: 0.5, maxCards: 0, level: repository}]\npublicUrl: https://x.org/d/\n",
      ),
    );
    expect(endpoints[0]?.limits).toEqual({
      executionMs: 5_400_000,
      idleMs: 90_000,
      warmMs: 90_000,
      bootMs: 432_000_000,
    });
    expect(tenants).toEqual([
      {
        owner: "Acme",
        ownerId: "123",
        runnerGroup: undefined,
        weight: 0.5,
        maxCards: 0,
        maxWorkers: undefined,
        level: "repository",
        repositories: undefined,
        workflows: undefined,
        forks: "refuse",
      },
    ]);
    expect(publicUrl).toBe("https://x.org/d");
  });

  test("packed as JSON and read back it is the same", () => {
    const config = configOf(DEFAULT);
    expect(fromPacked(JSON.parse(JSON.stringify(toPacked(config))))).toEqual(config);
    expect(() => fromPacked({ format: 0, config })).toThrow(/format 0.*Package again/);
    expect(() => fromPacked(null)).toThrow(/Package again/);
  });
});

describe("the architecture of an endpoint's machines", () => {
  const of = (pool: string, machine = "arm64") => {
    const text = `pools:\n  p: {kind: npu, ${pool}}\nendpoints: [{name: a, pool: p}]\n`;
    return configOf(text, machine).endpoints[0]?.architecture;
  };

  test.each([
    ["driver: local", "ARM64"],
    ["driver: docker", "ARM64"],
    ["driver: docker, host: 'tcp://10.0.0.7:2376'", undefined],
    ["driver: kubernetes", undefined],
    ["driver: kubernetes, nodeSelector: {kubernetes.io/arch: amd64}", "X64"],
    ["driver: kubernetes, nodeSelector: {kubernetes.io/arch: arm64}", "ARM64"],
  ])("%s: %s", (pool, architecture) => {
    expect(of(pool)).toBe(architecture);
  });

  test("is this machine's where workers run on it", () => {
    expect(of("driver: local", "x64")).toBe("X64");
    expect(of("driver: local", "riscv64")).toBeUndefined();
  });
});
