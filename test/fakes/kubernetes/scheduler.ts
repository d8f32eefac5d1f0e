// The scheduler: finds a node with room for each pod, or says why there is none; the device plugin's part, which names
// the cards.
import { parseQuantity } from "../../../shared/adapters/pools/kubernetes/quantity.ts";
import { isRequired, preference } from "./api/affinity.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";

const OURS = "default-scheduler";

export function schedulePods(state: ClusterState): void {
  const pods = state.objects.list("Pod");
  // A scheduler leaves pods of another alone.
  const waiting = pods.filter(
    ({ spec, metadata }) =>
      spec.nodeName === undefined &&
      metadata.deletionTimestamp === undefined &&
      (spec.schedulerName ?? OURS) === OURS,
  );
  for (const pod of waiting) schedule(state, pod);
}

function schedule(state: ClusterState, pod: KubeObject): void {
  const nodes = state.objects.list("Node");
  const faults = nodes.map((node) => faultOf(state, node, pod));
  const fit = nodes
    .filter((_, index) => faults[index] === undefined)
    .sort(
      (one, other) =>
        preference(pod, other) - preference(pod, one) ||
        (state.rules.spread ? cardsHeldOn(state, one) - cardsHeldOn(state, other) : 0),
    )[0];
  if (fit === undefined) {
    const message = unschedulable(
      faults.map((fault) => fault ?? ""),
      nodes.length,
    );
    if (conditionOf(pod)?.message === message) return;
    setCondition(pod, { status: "False", reason: "Unschedulable", message });
    state.emit(pod, "Warning", "FailedScheduling", message);
    state.objects.touch(pod);
    return;
  }
  const cards = cardsFor(state, fit, pod);
  pod.spec.nodeName = fit.metadata.name;
  if (cards !== undefined)
    pod.metadata.annotations = { ...pod.metadata.annotations, "huawei.com/AscendReal": cards };
  setCondition(pod, { status: "True" });
  const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${fit.metadata.name}`;
  state.emit(pod, "Normal", "Scheduled", message);
  state.objects.touch(pod);
}

function faultOf(state: ClusterState, node: KubeObject, pod: KubeObject): string | undefined {
  const labels = node.metadata.labels ?? {};
  if (node.spec?.unschedulable) return "node(s) were unschedulable";
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  if (selector.some(([key, value]) => labels[key] !== value) || !isRequired(pod, node))
    return "node(s) didn't match Pod's node affinity/selector";
  const taint = (node.spec?.taints ?? []).find((entry: Json) => !tolerates(pod, entry));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  const wanted = Object.entries(requestsOf(pod));
  // What it really has; a node that lies shows more in `allocatable`.
  const has = node["real"] ?? node.status.allocatable;
  const short = wanted.find(
    ([resource, amount]) =>
      amount + heldOn(state, node, resource) > (parseQuantity(has[resource] ?? "0") ?? 0),
  );
  return short === undefined ? undefined : `Insufficient ${short[0]}`;
}

function tolerates(pod: KubeObject, taint: Json): boolean {
  return (pod.spec.tolerations ?? []).some(
    ({ key, operator, value }: Json) =>
      (key === undefined || key === taint.key) && (operator === "Exists" || value === taint.value),
  );
}

function unschedulable(faults: readonly string[], nodes: number): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  const counts = new Map<string, number>();
  for (const fault of faults) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  const reasons = [...counts].map(([fault, count]) => `${count} ${fault}`).sort((a, b) => a.localeCompare(b));
  return `0/${nodes} nodes are available: ${reasons.join(", ")}. preemption: 0/${nodes} nodes are available: ${nodes} No preemption victims found for incoming pod.`;
}

function heldOn(state: ClusterState, node: KubeObject, resource: string): number {
  return living(state, node).reduce((sum, pod) => sum + (requestsOf(pod)[resource] ?? 0), 0);
}

/** Of any kind. */
function cardsHeldOn(state: ClusterState, node: KubeObject): number {
  return living(state, node).reduce(
    (sum, pod) =>
      Object.entries(requestsOf(pod)).reduce(
        (cards, [resource, amount]) => (resource.includes("/") ? cards + amount : cards),
        sum,
      ),
    0,
  );
}

function living(state: ClusterState, node: KubeObject): KubeObject[] {
  return state.objects
    .list("Pod")
    .filter(
      ({ spec, status }) =>
        spec.nodeName === node.metadata.name && status?.phase !== "Succeeded" && status?.phase !== "Failed",
    );
}

function requestsOf(pod: KubeObject): { [resource: string]: number } {
  const sums: { [resource: string]: number } = {};
  for (const { resources } of pod.spec.containers) {
    for (const [resource, text] of Object.entries<string>(resources?.requests ?? {})) {
      sums[resource] = (sums[resource] ?? 0) + (parseQuantity(text) ?? 0);
    }
  }
  return sums;
}

/** The lowest free numbers, written as the Ascend device plugin does; undefined for a pod without Ascend cards. */
function cardsFor(state: ClusterState, node: KubeObject, pod: KubeObject): string | undefined {
  const [, count = 0] =
    Object.entries(requestsOf(pod)).find(([resource]) => resource.startsWith("huawei.com/")) ?? [];
  if (count === 0) return undefined;
  const taken = living(state, node).flatMap((other) =>
    (other.metadata.annotations?.["huawei.com/AscendReal"] ?? "").split(","),
  );
  const free = Array.from({ length: 64 }, (_, index) => `Ascend910-${index}`).filter(
    (card) => !taken.includes(card),
  );
  return free.slice(0, count).join(",");
}

function conditionOf(pod: KubeObject): Json {
  return (pod.status?.conditions ?? []).find(({ type }: Json) => type === "PodScheduled");
}

function setCondition(pod: KubeObject, fields: Json): void {
  const others = (pod.status?.conditions ?? []).filter(({ type }: Json) => type !== "PodScheduled");
  const condition = { type: "PodScheduled", lastTransitionTime: timestamp(), ...fields };
  pod.status = { ...pod.status, conditions: [...others, condition] };
}
