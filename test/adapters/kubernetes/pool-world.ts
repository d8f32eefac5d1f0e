// A Kubernetes pool on the stand-in, whose containers a test plays itself.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { createKubernetesPool } from "../../../shared/adapters/pools/kubernetes/kubernetes-pool.ts";
import type { KubernetesSettings } from "../../../shared/adapters/pools/kubernetes/settings.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { PoolDriver, StartSpec } from "../../../shared/ports/pool-driver.ts";
import { NAMESPACE, settingsOf, writeKubeconfig } from "../../contract/kubernetes-pool-under-test.ts";
import { newId, POLL } from "../../contract/pool-driver-contract.ts";
import { type CollectingLog, createCollectingLog } from "../../fakes/collecting-log.ts";
import {
  type ClusterOptions,
  type ClusterStandIn,
  startClusterStandIn,
} from "../../fakes/kubernetes/cluster-stand-in.ts";
import {
  createScriptedRunner,
  type ScriptedContainer,
  type ScriptedRunner,
} from "../../fakes/kubernetes/scripted-runner.ts";

export const CARD = "huawei.com/ascend-1980";

export type PoolWorld = {
  readonly cluster: ClusterStandIn;
  readonly runner: ScriptedRunner;
  readonly driver: PoolDriver;
  readonly log: CollectingLog;
  open(changes?: Partial<KubernetesSettings>): PoolDriver;
  turn(ms: number): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function openWorld(
  changes: Partial<KubernetesSettings> = {},
  options: Partial<ClusterOptions> = {},
): Promise<PoolWorld> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-kubernetes-"));
  const runner = createScriptedRunner();
  const cluster = await startClusterStandIn({
    nodes: [{ name: "node-1", cards: { [CARD]: "8" } }],
    namespaces: [NAMESPACE],
    run: runner.run,
    tickMs: 2,
    ...options,
  });
  const path = await writeKubeconfig(dir, cluster);
  const log = createCollectingLog();
  let ahead = 0;
  const open = (more: Partial<KubernetesSettings> = {}) =>
    createKubernetesPool(settingsOf({ cluster: { auth: "kubeconfig", path }, ...changes, ...more }), {
      deployment: "test00",
      clock: { now: () => Date.now() + ahead },
      log,
      env: {},
    });
  return {
    cluster,
    runner,
    log,
    driver: open(),
    open,
    turn: (ms) => {
      ahead += ms;
    },
    async [Symbol.asyncDispose]() {
      await cluster.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function specOf(changes: Partial<StartSpec> = {}): StartSpec {
  const workerId = newId();
  return {
    workerId,
    endpoint: "linux-aarch64-a2-1",
    tenant: "123456",
    owner: "Acme",
    repository: "tools",
    cards: 1,
    slots: [],
    image: undefined,
    command: ["run"],
    env: { RUNPOD_POD_ID: workerId, RUNPOD_AI_API_KEY: "worker-token" },
    limitMs: 60_000,
    ...changes,
  };
}

/** A worker whose container runs. */
export async function runs(
  world: PoolWorld,
  changes = {},
): Promise<{ workerId: WorkerId; container: ScriptedContainer }> {
  const spec = specOf(changes);
  const before = world.runner.containers.length;
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  await expect.poll(() => world.runner.containers.length, POLL).toBe(before + 1);
  await expect
    .poll(() => world.driver.inspect(spec.workerId), POLL)
    .toEqual({ type: "running", node: "node-1", devices: ["0"] });
  return { workerId: spec.workerId, container: world.runner.containers[before]! };
}
