// Cards per node: what ready, matching nodes have, less what pods hold. Kubernetes never lowers `allocatable` by use.
import type { V1Node, V1Pod, V1Taint, V1Toleration } from "@kubernetes/client-node";
import type { PoolNode, RestingNode } from "../../../domain/pool/pool.ts";
import { parseQuantity } from "./quantity.ts";

export type CardCount = {
  /** `huawei.com/ascend-1980`; "cpu" where a card is a core. */
  readonly resource: string;
  /** Units of it that make one card. */
  readonly units: number;
  readonly nodeSelector: { readonly [key: string]: string };
  readonly tolerations: readonly V1Toleration[];
  /** Pods of this pool: their cards count as the pool's, only used. */
  readonly isOurs: (pod: V1Pod) => boolean;
};

/**
 * Nodes with cards, by name. `total` leaves out what others' pods hold, `free` what any pod holds. A node that takes no
 * more pods has what ours hold there, and none free: those are used in the ledger, and would else be missing twice.
 */
export function nodeCards(nodes: readonly V1Node[], pods: readonly V1Pod[], count: CardCount): PoolNode[] {
  return nodes
    .map((node) => cardsOf(node, pods, count))
    .filter(({ total }) => total > 0)
    .sort((one, other) => one.name.localeCompare(other.name));
}

function cardsOf(node: V1Node, pods: readonly V1Pod[], count: CardCount): PoolNode {
  const { resource, units, isOurs } = count;
  const name = node.metadata?.name ?? "";
  const here = pods.filter(({ spec }) => spec?.nodeName === name);
  const sum = (of: readonly V1Pod[]) => of.reduce((held, pod) => held + requestOf(pod, resource), 0);
  const whole = (amount: number) => Math.max(0, Math.floor(amount / units));
  if (!isUsable(node, count)) return { name, total: whole(sum(here.filter(isOurs))), free: 0 };
  const allocatable = parseQuantity(node.status?.allocatable?.[resource] ?? "0") ?? 0;
  const others = sum(here.filter((pod) => !isOurs(pod)));
  return { name, total: whole(allocatable - others), free: whole(allocatable - sum(here)) };
}

/**
 * Nodes of the pool that take no pods for now: cordoned, not ready, or with a taint that Kubernetes itself puts on such.
 * One with another taint belongs to somebody else.
 */
export function restingNodes(nodes: readonly V1Node[], count: CardCount): RestingNode[] {
  return nodes
    .filter((node) => !isUsable(node, count) && isUsable(wellAgain(node), count))
    .map((node) => ({ name: node.metadata?.name ?? "", cards: allCards(node, count) }))
    .filter(({ cards }) => cards > 0);
}

function wellAgain(node: V1Node): V1Node {
  const { unschedulable: _cordoned, taints = [], ...spec } = node.spec ?? {};
  const kept = taints.filter(({ key }) => !key.startsWith("node.kubernetes.io/"));
  return {
    ...node,
    spec: { ...spec, taints: kept },
    status: { ...node.status, conditions: [{ type: "Ready", status: "True" }] },
  };
}

/** A device plugin that is away leaves no allocatable cards; `capacity` keeps them for a while. */
function allCards({ status }: V1Node, { resource, units }: CardCount): number {
  const of = (amounts: { [key: string]: string } = {}) => parseQuantity(amounts[resource] ?? "0") ?? 0;
  return Math.floor(Math.max(of(status?.allocatable), of(status?.capacity)) / units);
}

/** Init containers run before the others, so the larger of the two counts. */
function requestOf(pod: V1Pod, resource: string): number {
  const of = (containers: readonly { resources?: { requests?: { [key: string]: string } } }[] = []) =>
    containers.map(({ resources }) => parseQuantity(resources?.requests?.[resource] ?? "0") ?? 0);
  const together = of(pod.spec?.containers).reduce((sum, value) => sum + value, 0);
  return Math.max(together, ...of(pod.spec?.initContainers));
}

function isUsable(node: V1Node, { nodeSelector, tolerations }: CardCount): boolean {
  const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  const labels = node.metadata?.labels ?? {};
  const matches = Object.entries(nodeSelector).every(([key, value]) => labels[key] === value);
  const taints = node.spec?.taints ?? [];
  return Boolean(
    ready && matches && !node.spec?.unschedulable && taints.every((taint) => isTolerated(taint, tolerations)),
  );
}

function isTolerated(taint: V1Taint, tolerations: readonly V1Toleration[]): boolean {
  if (taint.effect === "PreferNoSchedule") return true;
  return tolerations.some(({ key, operator = "Equal", value = "", effect }) => {
    if (effect && effect !== taint.effect) return false;
    if (operator === "Exists") return key === undefined || key === taint.key;
    return key === taint.key && value === (taint.value ?? "");
  });
}
