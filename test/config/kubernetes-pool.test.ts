// The kubernetes part of dispatch.yaml: what is taken, what it becomes, and the fault and the fix for what is not.
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { KubernetesSettings } from "../../shared/adapters/pools/kubernetes/settings.ts";
import {
  type KubernetesPoolSpec,
  kubernetesFields,
  resolveKubernetesPool,
} from "../../shared/config/pools/kubernetes-pool.ts";

const schema = z.strictObject({
  ...kubernetesFields,
  kind: z.enum(["npu", "gpu", "cpu"]),
  cards: z.union([z.literal("auto"), z.int()]).default("auto"),
  env: z.record(z.string(), z.string()).default({}),
});

function settingsOf(given: object): KubernetesSettings {
  const spec: KubernetesPoolSpec = schema.parse({ driver: "kubernetes", kind: "npu", ...given });
  return resolveKubernetesPool("a2", spec);
}

test("the least that can be written", () => {
  expect(settingsOf({})).toMatchObject({
    name: "a2",
    cluster: { auth: "in-cluster" },
    namespace: { template: "npu-dispatch-workers", create: false },
    resource: { name: "huawei.com/Ascend910", units: 1 },
    perWorker: { cpu: "1", memory: "2Gi" },
    imagePullPolicy: "IfNotPresent",
    security: { capabilities: ["CHOWN", "KILL", "SETGID", "SETUID"], allowPrivilegeEscalation: false },
    queue: { type: "none" },
    graceMs: 90_000,
    keepEndedMs: 3_600_000,
    timeoutMs: 10_000,
  });
  expect(settingsOf({ kind: "gpu" }).resource?.name).toBe("nvidia.com/gpu");
  expect(settingsOf({ kind: "cpu", resource: { name: "huawei.com/npu" } }).resource).toBeUndefined();
});

test("volumes by their source", () => {
  const volumes = [
    { mountPath: "/root/.cache", claim: "cache", subPath: "pip" },
    { mountPath: "/usr/local/dcmi", hostPath: "/usr/local/dcmi", readOnly: true },
    { mountPath: "/usr/local/bin/npu-smi", hostFile: "/usr/local/bin/npu-smi", readOnly: true },
    { mountPath: "/dev/shm", empty: "memory", size: "16Gi" },
  ];
  expect(settingsOf({ volumes }).volumes).toEqual([
    { type: "claim", claim: "cache", subPath: "pip", mountPath: "/root/.cache", readOnly: false },
    { type: "host", path: "/usr/local/dcmi", file: false, mountPath: "/usr/local/dcmi", readOnly: true },
    {
      type: "host",
      path: "/usr/local/bin/npu-smi",
      file: true,
      mountPath: "/usr/local/bin/npu-smi",
      readOnly: true,
    },
    { type: "empty", memory: true, size: "16Gi", mountPath: "/dev/shm", readOnly: false },
  ]);
});

describe("what is refused, with its path", () => {
  test.each([
    ["a quantity", { perCard: { cpu: "many" } }, "perCard.cpu"],
    ["a negative quantity", { perWorker: { memory: "-1Gi" } }, "perWorker.memory"],
    ["a duration", { grace: "soon" }, "grace"],
    ["a resource without a vendor", { resource: { name: "npu" } }, "resource.name"],
    [
      "a cluster of two ways",
      { cluster: { auth: "token", server: "https://x", tokenEnv: "A", tokenFile: "/t" } },
      "cluster",
    ],
    [
      "a token over plain http",
      { cluster: { auth: "token", server: "http://x", tokenEnv: "A" } },
      "cluster.server",
    ],
    ["a volume without a source", { volumes: [{ mountPath: "/x" }] }, "volumes.0"],
    ["a volume of two sources", { volumes: [{ mountPath: "/x", claim: "a", empty: "disk" }] }, "volumes.0"],
    ["an unknown queue", { queue: { type: "yunikorn" } }, "queue.type"],
    ["Kueue without a queue", { queue: { type: "kueue" } }, "queue.queue"],
    ["a label", { nodeSelector: { "a b": "c" } }, "nodeSelector.a b"],
    ["a capability in lower case", { security: { capabilities: ["setuid"] } }, "security.capabilities.0"],
  ])("%s", (_name, given, path) => {
    const parsed = schema.safeParse({ driver: "kubernetes", kind: "npu", ...given });
    expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });

  test.each(["npu-{owner}", "{owner}--{repository}", "ci-{tenant}-workers", "one-for-all", "{owner}"])(
    "the namespace %s is taken",
    (name) => {
      expect(settingsOf({ namespace: { name } }).namespace.template).toBe(name);
    },
  );

  test.each([
    "{owner}-{repository}",
    "{repository}",
    "NPU",
    "npu-",
    "-npu",
    "npu-{login}",
    "a".repeat(64),
    "npu{owner}",
  ])("the namespace %s is not", (name) => {
    expect(schema.safeParse({ driver: "kubernetes", kind: "npu", namespace: { name } }).success).toBe(false);
  });
});
