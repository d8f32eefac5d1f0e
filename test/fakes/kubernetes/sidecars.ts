// Native sidecars: init containers that the kubelet keeps running until the pod's own container has ended.
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";

/** True once all run, or there are none: the pod's own container comes after them. */
export function sidecarsRun(state: ClusterState, pod: KubeObject): boolean {
  const missing = sidecarsOf(pod).find(({ image }) => state.images.get(image)?.missing);
  write(state, pod, ({ image }) =>
    image === missing?.image
      ? {
          waiting: {
            reason: "ErrImagePull",
            message: `failed to pull and unpack image "${image}": not found`,
          },
        }
      : { running: { startedAt: pod.status?.startTime ?? timestamp() } },
  );
  return missing === undefined;
}

export function endSidecars(state: ClusterState, pod: KubeObject): void {
  write(state, pod, () => ({ terminated: { exitCode: 0, reason: "Completed" } }));
}

function sidecarsOf({ spec }: KubeObject): Json[] {
  return (spec.initContainers ?? []).filter(({ restartPolicy }: Json) => restartPolicy === "Always");
}

function write(state: ClusterState, pod: KubeObject, stateOf: (container: Json) => Json): void {
  const sidecars = sidecarsOf(pod);
  if (sidecars.length === 0) return;
  const initContainerStatuses = sidecars.map((container) => ({
    name: container.name,
    image: container.image,
    imageID: "",
    ready: true,
    restartCount: 0,
    state: stateOf(container),
  }));
  if (JSON.stringify(initContainerStatuses) === JSON.stringify(pod.status?.initContainerStatuses)) return;
  pod.status = { phase: "Pending", ...pod.status, initContainerStatuses };
  state.objects.touch(pod);
}
