// What the guide of the Ascend runners promises a user (ascend-runner-mgmt): labels, groups, a namespace for each
// organization, one container for one job that is gone afterwards.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { namespaceOf } from "../../shared/adapters/pools/kubernetes/names.ts";
import { parseConfig } from "../../shared/config/parse.ts";
import { resolveEndpoint } from "../../shared/domain/admission/matching.ts";
import { workflowSource } from "../../shared/domain/admission/tenant-policy.ts";
import { takeJob } from "../../shared/usecases/worker-plane/take-job.ts";
import { isQuiet, play } from "../fakes/play.ts";
import { ACME, createWorld } from "../fakes/world.ts";

const ROOT = join(import.meta.dirname, "../..");
const textOf = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("runs-on", () => {
  test.each([
    ["linux-arm64-npu-1", 1],
    ["linux-arm64-npu-2", 2],
  ])("%s is a runner with %d NPU cards, in the example configuration", (label, cards) => {
    const parsed = parseConfig(textOf("dispatch.yaml"));
    if (!parsed.ok) throw new Error("dispatch.yaml is wrong");
    const { templates, endpoints } = parsed.config;
    expect(resolveEndpoint([label], { templates, endpoints })).toMatchObject({
      type: "endpoint",
      endpoint: { name: label, cards },
    });
  });

  test("the guide's workflow, npu-smi info on that label, is the README's example", () => {
    expect(textOf("README.md")).toMatch(/runs-on: linux-arm64-npu-\d[\s\S]{0,80}- run: npu-smi info/);
  });
});

describe("an organization", () => {
  test("is named in the configuration, and needs no installation id: GitHub's webhook tells it", () => {
    const yaml = "pools: {npu: {driver: local, kind: npu, cards: 8}}\nendpoints: [{name: a, pool: npu}]\n";
    const parsed = parseConfig(`${yaml}tenants: [{owner: my-org, runnerGroup: npu}]\n`);
    expect(parsed.ok && parsed.config.tenants).toMatchObject([{ owner: "my-org", runnerGroup: "npu" }]);
  });

  test("has its runner group: each of its runners is registered in it", async () => {
    const world = createWorld({ tenants: [{ ...ACME, runnerGroup: "npu" }] });
    world.github.queue({});
    await world.deliver();
    const taken = await takeJob(world.deps, world.pool.started[0]!.workerId, "boot");
    expect(taken).toMatchObject({ settings: { runnerGroup: "npu", url: "https://github.com/Acme" } });
  });

  test("may limit who runs: repositories, and workflow files with their branch", () => {
    const allowed = new RegExp(workflowSource([".github/workflows/my.yaml@refs/heads/main"]));
    expect(allowed.test(".github/workflows/my.yaml@refs/heads/main")).toBe(true);
    expect(allowed.test(".github/workflows/my.yaml@refs/heads/other")).toBe(false);
    expect(allowed.test(".github/workflows/other.yaml@refs/heads/main")).toBe(false);
  });

  test("has a namespace of its own on Kubernetes, or one for each repository", () => {
    const who = { owner: "My-Org", repository: "Kernels", tenant: "81" } as Parameters<typeof namespaceOf>[1];
    expect(namespaceOf("{owner}", who)).toBe("my-org");
    expect(namespaceOf("{owner}-{repository}", who)).toBe("my-org-kernels");
  });

  test("gives its App the rights that the README names, and none to write code", () => {
    const readme = textOf("README.md");
    expect(readme).toContain("*Metadata: read*");
    expect(readme).toMatch(/Self-hosted runners: (?:read and )?write/i);
    expect(readme).not.toMatch(/\*Contents: [^*]*write\*/i);
  });
});

test("a workflow starts one container for its job, which is gone when the job has ended", async () => {
  const world = createWorld();
  world.github.queue({});
  expect(await play(world, { forMs: 30 * 60_000, until: isQuiet })).toBe(true);
  expect(world.pool.started).toHaveLength(1);
  expect(await world.pool.list()).toEqual([]);
  expect(world.github.runners.size).toBe(0);
});
