// Opens a Kubernetes pool for a test: in the stand-in, with real processes for pods, or in a real cluster.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { expect } from "vitest";
import { createKubernetesPool } from "../../shared/adapters/pools/kubernetes/kubernetes-pool.ts";
import { LABEL } from "../../shared/adapters/pools/kubernetes/names.ts";
import type { KubernetesSettings } from "../../shared/adapters/pools/kubernetes/settings.ts";
import { poolName, type WorkerId } from "../../shared/domain/ids.ts";
import type { PoolDriver } from "../../shared/ports/pool-driver.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";
import { type ClusterStandIn, startClusterStandIn } from "../fakes/kubernetes/cluster-stand-in.ts";
import { createProcessRunner, processesOf } from "../fakes/kubernetes/process-runner.ts";
import { SECRETS } from "./local-pool-under-test.ts";
import { type Part, POLL, type PoolUnderTest, RESULT, stopped } from "./pool-driver-contract.ts";

export const NAMESPACE = "npu-test";

const STAY = "trap 'exit 0' TERM; env; echo ready; while :; do sleep 1 & wait $!; done";
const PROGRAMS: { readonly [part in Part]: string } = {
  stay: STAY,
  "ignore-term": "trap '' TERM; echo ready; while :; do sleep 0.1; done",
  "print-and-end": `i=1; while [ $i -le 100 ]; do echo "line $i"; i=$((i+1)); done; printf %s '${RESULT}' > "$WORKER_RESULT_FILE"; exit 3`,
  "stay-with-strays": `setsid sleep 600 & (setsid sh -c 'sleep 600 & sleep 600' &); ${STAY}`,
};

/** A pool of 8 simulated cards per node; `image` must have a shell. */
export function settingsOf(changes: Partial<KubernetesSettings> = {}): KubernetesSettings {
  return {
    name: poolName("a2"),
    kind: "npu",
    cards: "auto",
    cluster: { auth: "in-cluster" },
    namespace: { template: NAMESPACE, create: false, labels: {} },
    resource: { name: "huawei.com/ascend-1980", units: 1 },
    perCard: {},
    perWorker: {},
    image: process.env["NPU_DISPATCH_TEST_IMAGE"] ?? "busybox:1.36",
    imagePullPolicy: "IfNotPresent",
    imagePullSecrets: [],
    nodeSelector: {},
    tolerations: [],
    volumes: [],
    env: {},
    labels: {},
    annotations: {},
    security: { capabilities: [], allowPrivilegeEscalation: false, supplementalGroups: [] },
    serviceAccount: undefined,
    runtimeClass: undefined,
    priorityClass: undefined,
    schedulerName: undefined,
    queue: { type: "none" },
    graceMs: 30_000,
    keepEndedMs: 3_600_000,
    timeoutMs: 10_000,
    ...changes,
  };
}

type Place = {
  readonly kubeconfig: string;
  readonly settings: KubernetesSettings;
  living(workerId: WorkerId): Promise<number>;
  exhaustMemory?(workerId: WorkerId): Promise<void>;
  close(): Promise<void>;
};

/** With real processes, in the stand-in. */
export async function openStandInPool(): Promise<PoolUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-kubernetes-"));
  const cluster = await startClusterStandIn({
    nodes: [{ name: "node-1", cards: { "huawei.com/ascend-1980": "8" } }],
    namespaces: [NAMESPACE],
    run: createProcessRunner({ dir: join(dir, "pods"), env: { PATH: process.env["PATH"] } }),
  });
  const kubeconfig = await writeKubeconfig(dir, cluster);
  return underTest({
    kubeconfig,
    settings: settingsOf(),
    living: async (workerId) => podsOf(cluster, workerId).filter(hasProcesses).length,
    exhaustMemory: async (workerId) => cluster.endPod(workerId, { of: "container", reason: "OOMKilled" }),
    async close() {
      await cluster.close();
      await rm(dir, { recursive: true, force: true });
    },
  });
}

/** In the cluster of `KUBECONFIG`; needs the namespace npu-test and no NPU. See docs/pools.md. */
export async function openRealPool(kubeconfig: string): Promise<PoolUnderTest> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  return underTest({
    kubeconfig,
    settings: settingsOf({
      kind: "cpu",
      resource: undefined,
      namespace: { template: NAMESPACE, create: true, labels: {} },
    }),
    async living(workerId) {
      const labelSelector = `${LABEL.worker}=${workerId}`;
      const { items } = await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector });
      return items.filter(({ status }) => status?.phase === "Pending" || status?.phase === "Running").length;
    },
    close: async () => undefined,
  });
}

function underTest({ kubeconfig, settings, living, exhaustMemory, close }: Place): PoolUnderTest {
  const env = Object.fromEntries(SECRETS.map((name) => [name, "planted-value"]));
  const open = (deployment: string): PoolDriver =>
    createKubernetesPool(
      { ...settings, cluster: { auth: "kubeconfig", path: kubeconfig } },
      { deployment, clock: { now: Date.now }, log: createCollectingLog(), env },
    );
  const driver = open("test00");
  return {
    driver,
    secrets: SECRETS,
    reopen: () => open("test00"),
    stranger: () => open("other0"),
    living,
    ...(exhaustMemory && { exhaustMemory }),
    command: (part) => ["/bin/sh", "-c", PROGRAMS[part]],
    environment: async (workerId) => (await driver.logsTail(workerId, 1_000)).join("\n"),
    ready: async (workerId) => {
      await expect
        .poll(() => driver.logsTail(workerId, 1_000), { ...POLL, timeout: 25_000 })
        .toContain("ready");
    },
    async close() {
      await Promise.all((await driver.list()).map((workerId) => stopped(driver, workerId, 0)));
      await close();
    },
  };
}

export async function writeKubeconfig(dir: string, cluster: ClusterStandIn): Promise<string> {
  const path = join(dir, "kubeconfig");
  await writeFile(path, cluster.kubeconfig());
  return path;
}

function podsOf(cluster: ClusterStandIn, workerId: WorkerId): string[] {
  return cluster
    .objects("Pod")
    .filter(({ metadata }) => metadata.labels?.[LABEL.worker] === workerId)
    .map(({ metadata }) => metadata.uid);
}

function hasProcesses(podUid: string): boolean {
  return processesOf(podUid).length > 0;
}
