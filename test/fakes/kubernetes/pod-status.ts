// What the kubelet writes into a pod's status: image pulls, waiting, running, ended.
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";

/** The kubelet keeps the last so many bytes of a termination message. */
const MAX_RESULT = 4_096;

/** Why the kubelet ended it: a word on the container, or on the whole pod. */
export type Why = {
  readonly of: "container" | "pod";
  readonly reason: string;
  readonly message?: string;
};

export type End = {
  readonly exit: number;
  readonly result: string;
  readonly why: Why | undefined;
  readonly startedAt: number;
  /** The phase tells it too. */
  readonly isSettled: boolean;
};

export function setEnded(state: ClusterState, pod: KubeObject, end: End): void {
  if (pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return;
  const { isSettled } = end;
  const before = pod.status.containerStatuses?.[0]?.state?.terminated;
  const container = { terminated: before ?? terminatedBy(end) };
  setStatus(state, pod, isSettled ? phaseBy(end) : {}, container);
}

function phaseBy({ exit, why }: End): Json {
  const phase = exit === 0 && why === undefined ? "Succeeded" : "Failed";
  const ofPod = why?.of === "pod" && { reason: why.reason, ...(why.message && { message: why.message }) };
  return { phase, ...ofPod };
}

function terminatedBy({ exit, result, why, startedAt }: End): Json {
  const message = Buffer.from(result).subarray(-MAX_RESULT).toString();
  return {
    exitCode: exit,
    reason: why?.of === "container" ? why.reason : exit === 0 ? "Completed" : "Error",
    ...(message !== "" && { message }),
    startedAt: timestamp(startedAt),
    finishedAt: timestamp(),
  };
}

export function setRunning(state: ClusterState, pod: KubeObject): void {
  setStatus(state, pod, { phase: "Running" }, { running: { startedAt: timestamp() } });
}

export type Pull = { readonly since: number; pullTries: number };

/** True once the image is there. */
export function pullImage(state: ClusterState, pod: KubeObject, runtime: Pull): boolean {
  const image: string = pod.spec.containers[0].image;
  const { pullMs = 0, missing = false } = state.images.get(image) ?? {};
  if (!missing && pullMs === 0) return true;
  if (runtime.pullTries === 0) state.emit(pod, "Normal", "Pulling", `Pulling image "${image}"`);
  runtime.pullTries += 1;
  if (missing) {
    const why = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": not found`;
    state.emit(pod, "Warning", "Failed", `Failed to pull image "${image}": ${why}`);
    if (runtime.pullTries % 2 === 1) setWaiting(state, pod, "ErrImagePull", why);
    else setWaiting(state, pod, "ImagePullBackOff", `Back-off pulling image "${image}"`);
    return false;
  }
  if (Date.now() - runtime.since < pullMs) {
    setWaiting(state, pod, "ContainerCreating", "");
    return false;
  }
  state.emit(pod, "Normal", "Pulled", `Successfully pulled image "${image}"`);
  return true;
}

export function setWaiting(state: ClusterState, pod: KubeObject, reason: string, message: string): void {
  const waiting = { reason, ...(message && { message }) };
  setStatus(state, pod, { phase: "Pending" }, { waiting });
}

function setStatus(state: ClusterState, pod: KubeObject, fields: Json, container: Json): void {
  const { name, image } = pod.spec.containers[0];
  const running = container.running !== undefined;
  const status = {
    ...pod.status,
    startTime: pod.status?.startTime ?? timestamp(),
    ...fields,
    containerStatuses: [
      { name, image, imageID: "", ready: running, restartCount: 0, started: running, state: container },
    ],
  };
  if (JSON.stringify(status) === JSON.stringify(pod.status)) return;
  pod.status = status;
  state.objects.touch(pod);
}
