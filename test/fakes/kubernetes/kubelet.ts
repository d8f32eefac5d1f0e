// The kubelets of all nodes: images, secrets, containers, deadlines, deletions, and the pods' status.
import type { ClusterState } from "./cluster-state.ts";
import { type PodRunner, type RunningContainer, resolveContainer } from "./container.ts";
import type { Json, KubeObject } from "./objects.ts";
import type { Why } from "./pod-status.ts";
import { pullImage, setEnded, setRunning, setWaiting } from "./pod-status.ts";
import { endSidecars, sidecarsRun } from "./sidecars.ts";

type Runtime = {
  readonly since: number;
  container?: RunningContainer;
  startedAt?: number;
  exit?: number;
  endedAt?: number;
  /** TERM was sent; KILL follows then. */
  killAt?: number;
  pullTries: number;
  why?: Why;
};

/**
 * kubelet 1.36: the container is told to be terminated first; the pod's phase, and its removal, follow 1 to 2 s later.
 * Here sooner.
 */
const PHASE_BEHIND_MS = 100;

export type Kubelet = {
  tick(): void;
  container(podUid: string): RunningContainer | undefined;
  /** KILL, and what is told of it. */
  end(podUid: string, why: Why): void;
  /** Kills all that runs, and waits for it. */
  close(): Promise<void>;
};

export function createKubelet(state: ClusterState, run: PodRunner): Kubelet {
  const runtimes = new Map<string, Runtime>();

  function tick(): void {
    const pods = state.objects.list("Pod").filter(({ spec }) => spec.nodeName !== undefined);
    for (const pod of pods) if (nodeIsUp(state, pod)) syncPod(pod);
    const known = new Set(pods.map(({ metadata }) => metadata.uid));
    // Forgotten by the API server: the kubelet ends them, in its own time.
    for (const [uid, runtime] of runtimes) if (!known.has(uid)) endRuntime(runtime, 1);
  }

  function syncPod(pod: KubeObject): void {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds = 30 } = pod.metadata;
    const runtime = runtimes.get(uid) ?? { since: Date.now(), pullTries: 0 };
    runtimes.set(uid, runtime);
    const deleted = deletionTimestamp !== undefined;
    if (runtime.container === undefined) {
      if (deleted) state.objects.remove(pod);
      else start(pod, runtime);
    } else if (runtime.exit !== undefined) {
      finish(pod, runtime, runtime.container);
    } else if (deleted) endRuntime(runtime, deletionGracePeriodSeconds, "collected" in pod);
    else limit(pod, runtime);
  }

  function start(pod: KubeObject, runtime: Runtime): void {
    if (!sidecarsRun(state, pod)) return;
    if (!pullImage(state, pod, runtime)) return;
    const container = resolveContainer(state, pod);
    if ("missing" in container) {
      setWaiting(state, pod, "CreateContainerConfigError", container.missing);
      return;
    }
    runtime.container = run(container);
    runtime.startedAt = Date.now();
    void runtime.container.ended.then((code) => {
      runtime.exit = code;
    });
    setRunning(state, pod);
  }

  function finish(pod: KubeObject, runtime: Runtime, container: RunningContainer): void {
    const { exit = 0, why, startedAt = runtime.since } = runtime;
    runtime.endedAt ??= Date.now();
    const isSettled = Date.now() - runtime.endedAt >= PHASE_BEHIND_MS;
    endSidecars(state, pod);
    setEnded(state, pod, { exit, result: container.result(), why, startedAt, isSettled });
    if (isSettled && pod.metadata.deletionTimestamp !== undefined) state.objects.remove(pod);
  }

  return {
    tick,
    container: (uid) => runtimes.get(uid)?.container,
    end(uid, why) {
      const runtime = runtimes.get(uid);
      if (runtime?.container === undefined) throw new Error(`no container of the pod ${uid} runs`);
      runtime.why = why;
      runtime.container.kill();
    },
    async close() {
      const live = [...runtimes.values()].flatMap(({ container, exit }) =>
        container && exit === undefined ? [container] : [],
      );
      for (const container of live) container.kill();
      await Promise.all(live.map(({ ended }) => ended));
    },
  };
}

/** kube-apiserver 1.36: a shorter grace that comes after the garbage collector's loses in 5 of 13; here always. */
function endRuntime(runtime: Runtime, graceSeconds: number, isCollected = false): void {
  if (runtime.container === undefined || runtime.exit !== undefined) return;
  if (runtime.killAt === undefined) runtime.container.term();
  const at = Date.now() + graceSeconds * 1_000;
  if (!isCollected || runtime.killAt === undefined) runtime.killAt = Math.min(runtime.killAt ?? at, at);
  if (Date.now() >= runtime.killAt) runtime.container.kill();
}

/** activeDeadlineSeconds. */
function limit({ spec }: KubeObject, runtime: Runtime): void {
  const {
    activeDeadlineSeconds: deadline = Number.POSITIVE_INFINITY,
    terminationGracePeriodSeconds: grace = 30,
  } = spec;
  if (Date.now() - (runtime.startedAt ?? Date.now()) <= deadline * 1_000) return;
  runtime.why = { of: "pod", reason: "DeadlineExceeded" };
  endRuntime(runtime, grace);
}

export function nodeIsUp(state: ClusterState, pod: KubeObject): boolean {
  const node = state.objects.get("Node", undefined, pod.spec.nodeName);
  return node?.status.conditions.some(({ type, status }: Json) => type === "Ready" && status === "True");
}
