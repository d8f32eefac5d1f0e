// A Kubernetes cluster for tests and the demo: a real HTTP API, and controllers that move Jobs and pods as a cluster does.
import { type ApiServer, startApiServer } from "./api/api-server.ts";
import { type ClusterState, createClusterState, type Rules } from "./cluster-state.ts";
import type { PodRunner } from "./container.ts";
import { controlJobs } from "./job-controller.ts";
import { createKubelet } from "./kubelet.ts";
import { admitJob, reviewJobs } from "./kueue.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";
import type { Why } from "./pod-status.ts";
import { schedulePods } from "./scheduler.ts";
import { holdBack } from "./volcano.ts";

type NodeSpec = {
  readonly name: string;
  /** `{"huawei.com/ascend-1980": "8"}`, beside 192 cores and 1536Gi. */
  readonly cards?: { readonly [resource: string]: string };
  readonly labels?: { readonly [key: string]: string };
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
};

export type ClusterStandIn = {
  readonly url: string;
  readonly api: Pick<ApiServer, "faults" | "requests" | "connections" | "down" | "up">;
  readonly rules: Rules;
  readonly images: ClusterState["images"];
  /** A kubeconfig's text; `token` for its user. */
  kubeconfig(token?: string): string;
  addNode(node: NodeSpec): void;
  /** Its kubelet no longer reports, and does nothing. */
  loseNode(name: string): void;
  /** The kubelet kills the Job's container, and tells why. */
  endPod(job: string, why: Why): void;
  /** `allocatable` shows so many, whatever there is. */
  lieAboutCards(node: string, resource: string, count: number): void;
  addNamespace(name: string, labels?: { readonly [key: string]: string }): void;
  addQuota(namespace: string, hard: { readonly [key: string]: string }, name?: string): void;
  addLimitRange(namespace: string, limits: Json): void;
  /** Kueue has quota for the Job. */
  admit(job: string): void;
  /** Continue tokens given so far have expired. */
  expireTokens(): void;
  /** Puts an object of somebody else there. */
  put(kind: string, namespace: string | undefined, draft: Json): KubeObject;
  objects(kind: string): KubeObject[];
  close(): Promise<void>;
};

export type ClusterOptions = {
  readonly nodes?: readonly NodeSpec[];
  readonly namespaces?: readonly string[];
  readonly run: PodRunner;
  /** Of the controller loop; 0: it moves only by `tick`. */
  readonly tickMs?: number;
};

export async function startClusterStandIn(options: ClusterOptions): Promise<ClusterStandIn> {
  const state = createClusterState();
  const kubelet = createKubelet(state, options.run);
  let oldest = 0;
  const api = await startApiServer({ state, kubelet, oldestToken: () => oldest });
  const loop = setInterval(() => {
    reviewJobs(state);
    controlJobs(state);
    holdBack(state);
    schedulePods(state);
    kubelet.tick();
  }, options.tickMs ?? 5);
  for (const node of options.nodes ?? []) addNode(state, node);
  for (const name of ["default", ...(options.namespaces ?? [])]) addNamespace(state, name, {});

  return {
    url: api.url,
    api,
    rules: state.rules,
    images: state.images,
    kubeconfig: (token) => kubeconfig(api.url, token),
    addNode: (node) => addNode(state, node),
    loseNode: (name) => loseNode(state, name),
    endPod(job, why) {
      const pods = state.objects.list("Pod");
      const pod = pods.find(({ metadata }) => metadata.labels?.["batch.kubernetes.io/job-name"] === job);
      if (pod === undefined) throw new Error(`the Job ${job} has no pod`);
      kubelet.end(pod.metadata.uid, why);
    },
    lieAboutCards: (node, resource, count) => lie(state, node, resource, count),
    addNamespace: (name, labels = {}) => addNamespace(state, name, labels),
    addQuota: (namespace, hard, name = "cards") =>
      void put(state, "ResourceQuota", namespace, { metadata: { name }, spec: { hard } }),
    addLimitRange: (namespace, limits) =>
      void put(state, "LimitRange", namespace, { metadata: { name: "limits" }, spec: { limits } }),
    admit(job) {
      const object = state.objects.list("Job").find(({ metadata }) => metadata.name === job);
      if (object === undefined) throw new Error(`there is no Job ${job}`);
      admitJob(state, object);
    },
    expireTokens() {
      oldest = state.objects.version() + 1;
      for (const namespace of state.objects.list("Namespace")) state.objects.touch(namespace);
    },
    put: (kind, namespace, draft) => put(state, kind, namespace, draft),
    objects: (kind) => state.objects.list(kind),
    async close() {
      clearInterval(loop);
      await kubelet.close();
      await api.close();
    },
  };
}

function put(state: ClusterState, kind: string, namespace: string | undefined, draft: Json): KubeObject {
  const apiVersion = kind === "Job" ? "batch/v1" : "v1";
  const object = state.objects.create(kind, { apiVersion, kind, ...draft }, namespace);
  if (object === undefined) throw new Error(`there is a ${kind} ${draft.metadata?.name} already`);
  object.status = draft.status;
  return object;
}

function addNamespace(state: ClusterState, name: string, labels: { readonly [key: string]: string }): void {
  put(state, "Namespace", undefined, { metadata: { name, labels }, status: { phase: "Active" } });
}

function addNode(state: ClusterState, { name, cards = {}, labels = {}, taints = [] }: NodeSpec): void {
  const allocatable = { cpu: "192", memory: "1536Gi", "ephemeral-storage": "1Ti", pods: "110", ...cards };
  const ready = { type: "Ready", status: "True", lastTransitionTime: timestamp() };
  put(state, "Node", undefined, {
    metadata: { name, labels: { "kubernetes.io/arch": "arm64", ...labels } },
    spec: { taints: [...taints] },
    status: { allocatable, capacity: allocatable, conditions: [ready] },
  });
}

function loseNode(state: ClusterState, name: string): void {
  const node = state.objects.get("Node", undefined, name);
  if (node === undefined) throw new Error(`there is no node ${name}`);
  node.status.conditions = [{ type: "Ready", status: "Unknown", lastTransitionTime: timestamp() }];
}

function lie(state: ClusterState, name: string, resource: string, count: number): void {
  const node = state.objects.get("Node", undefined, name);
  if (node === undefined) throw new Error(`there is no node ${name}`);
  node["real"] ??= { ...node.status.allocatable };
  node.status.allocatable = { ...node.status.allocatable, [resource]: String(count) };
}

/** The client takes plain http only where TLS is not verified. */
function kubeconfig(server: string, token = "stand-in"): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "stand-in",
    clusters: [{ name: "stand-in", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "stand-in", user: { token } }],
    contexts: [{ name: "stand-in", context: { cluster: "stand-in", user: "stand-in" } }],
  });
}
