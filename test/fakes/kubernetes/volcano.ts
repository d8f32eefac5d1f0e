// Volcano, as far as it lets no group in: it marks the pods that name it, says on their groups why, and on them that the
// group is not ready.
import type { ClusterState } from "./cluster-state.ts";
import { timestamp } from "./objects.ts";

/**
 * pkg/controllers/podgroup (the mark, and the group's name by its owner), pkg/scheduler/framework/session.go
 * (RecordPodGroupEvent) and cache/cache.go (RecordJobStatusEvent, taskUnschedulable).
 */
export function holdBack(state: ClusterState): void {
  const { volcano } = state.rules;
  if (volcano === undefined) return;
  const fresh = state.objects
    .list("Pod")
    .filter(
      ({ spec, metadata }) => spec.schedulerName === "volcano" && metadata.annotations?.[MARK] === undefined,
    );
  for (const pod of fresh) {
    const { namespace = "default", uid, ownerReferences = [] } = pod.metadata;
    const name = `podgroup-${ownerReferences[0]?.uid ?? uid}`;
    pod.metadata.annotations = { ...pod.metadata.annotations, [MARK]: name };
    const apiVersion = "scheduling.volcano.sh/v1beta1";
    const draft = { apiVersion, kind: "PodGroup", metadata: { name } };
    const group = state.objects.create("PodGroup", draft, namespace);
    if (group === undefined) continue;
    const [refusal = "", gang = ""] = volcano;
    state.emit(group, "Normal", "Unschedulable", refusal);
    state.emit(group, "Warning", "Unschedulable", gang);
    const message = gang.replace(/^.*unschedulable: /, "");
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
    pod.status = { ...pod.status, conditions: [{ ...condition, lastTransitionTime: timestamp() }] };
    state.emit(pod, "Warning", "FailedScheduling", message);
  }
}

const MARK = "scheduling.k8s.io/group-name";
