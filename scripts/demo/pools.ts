// Where the demo's workers run: processes, containers of a Docker engine, or pods of a stand-in for a Kubernetes cluster.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { workerCommand } from "../../functions/worker-command.ts";
import type { Config } from "../../shared/config/config.ts";
import { startClusterStandIn } from "../../test/fakes/kubernetes/cluster-stand-in.ts";
import { createProcessRunner } from "../../test/fakes/kubernetes/process-runner.ts";
import { Complaint } from "../complaint.ts";
import { demoConfig } from "./config.ts";
import type { DemoPoolKind } from "./options.ts";

export type DemoPoolOptions = {
  /** A folder of its own. */
  readonly dir: string;
  /** What a worker's image would bring: PATH and the runner. */
  readonly workerEnv: { readonly [name: string]: string };
  /** Of the workers' containers, for docker. */
  readonly image: string | undefined;
};
export type DemoPool = { readonly config: Config; close(): Promise<void> };

const ROOT = join(import.meta.dirname, "..", "..");
const CARDS = 8;
const RESOURCE = "huawei.com/ascend-1980";

export async function openDemoPool(kind: DemoPoolKind, options: DemoPoolOptions): Promise<DemoPool> {
  switch (kind) {
    case "local":
      return { config: demoConfig(), close: async () => {} };
    case "docker":
      return openDocker(options);
    case "kubernetes":
      return openKubernetes(options);
  }
}

/** The containers see the host's network, where GitHub's stand-in and the dispatcher are. */
async function openDocker({ image }: DemoPoolOptions): Promise<DemoPool> {
  if (image === undefined) throw new Error("--pool docker needs --image: build one with npm run image");
  const config = demoConfig({
    driver: "docker",
    kind: "npu",
    devices: "simulated",
    cards: CARDS,
    host: await readyEngine(),
    image,
    pullPolicy: "never",
    network: "host",
    // As a host with a driver gives its own.
    mounts: [{ source: join(ROOT, "test", "fakes", "npu-smi", "npu-smi"), target: "/usr/local/bin/npu-smi" }],
  });
  return { config, close: async () => {} };
}

/** Its address. Throws a complaint where there is none, and none can be started. */
async function readyEngine(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(join(ROOT, ".ci", "engine.sh"), { timeout: 180_000 });
    return stdout.trim();
  } catch (error) {
    const { stderr = "", message } = error as Error & { readonly stderr?: string };
    const why = stderr.trim().split("\n").at(-1)?.replace("no container engine for the tests: ", "");
    throw new Complaint(`--pool docker: ${why || message}`, { cause: error });
  }
}

async function openKubernetes({ dir, workerEnv }: DemoPoolOptions): Promise<DemoPool> {
  const cluster = await startClusterStandIn({
    nodes: [{ name: "node-1", cards: { [RESOURCE]: String(CARDS) } }],
    namespaces: ["npu-demo-org"],
    run: createProcessRunner({ dir, entrypoint: workerCommand(), env: workerEnv }),
  });
  const kubeconfig = join(dir, "kubeconfig");
  await writeFile(kubeconfig, cluster.kubeconfig());
  const config = demoConfig({
    driver: "kubernetes",
    kind: "npu",
    cluster: { auth: "kubeconfig", path: kubeconfig },
    namespace: { name: "npu-{owner}" },
    resource: { name: RESOURCE },
    image: "npu-dispatch-worker:demo",
    // No device plugin gives cards to processes.
    env: { NPU_DISPATCH_SIMULATED_CARDS: "0" },
  });
  return { config, close: cluster.close };
}
