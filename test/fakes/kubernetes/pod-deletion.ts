// Deletion of a pod as the API server does it: a grace that can only be shortened, and the kubelet's word at the end.
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";

/**
 * `kubectl drain` and whoever else evicts: a condition, then a deletion with the pod's own grace. Kubernetes,
 * pkg/registry/core/pod/storage/eviction.go, addConditionAndDeletePod.
 */
export function evictPod(state: ClusterState, pod: KubeObject): void {
  const others = (pod.status?.conditions ?? []).filter(({ type }: Json) => type !== "DisruptionTarget");
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastTransitionTime: timestamp(),
  };
  pod.status = { ...pod.status, conditions: [...others, condition] };
  deletePod(state, pod, undefined);
}

/** `graceSeconds` 0 forgets the pod at once, whether or not its container has ended. */
export function deletePod(state: ClusterState, pod: KubeObject, graceSeconds: number | undefined): void {
  const wanted = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  const ended = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  // Nothing runs yet where there is no node.
  if (wanted === 0 || ended || pod.spec.nodeName === undefined) {
    state.objects.remove(pod);
    return;
  }
  const { deletionTimestamp, deletionGracePeriodSeconds: before } = pod.metadata;
  if (deletionTimestamp !== undefined && before !== undefined && before <= wanted) return;
  pod.metadata.deletionGracePeriodSeconds = wanted;
  pod.metadata.deletionTimestamp = timestamp(Date.now() + wanted * 1_000);
  state.objects.touch(pod);
}
