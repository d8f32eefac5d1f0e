// The state of a worker's container from what Kubernetes has of it: a Job, pods, or neither.
import type { V1ContainerStateTerminated, V1Job, V1Pod } from "@kubernetes/client-node";
import type { PoolName } from "../../../domain/ids.ts";
import type { ContainerPlace, ContainerState } from "../../../ports/pool-driver.ts";
import { devicesOf } from "./devices.ts";
import { endingOf, endOfJob, endReason } from "./end-reason.ts";
import { CONTAINER } from "./names.ts";

/** What there is of one worker. Kubernetes may, rarely, make a second pod of a Job that wants one. */
export type Found = { readonly jobs: readonly V1Job[]; readonly pods: readonly V1Pod[] };

/** `waits`: it has not begun to run; the reason is another question. */
export type State = ContainerState | { readonly type: "waits"; readonly pod: V1Pod | undefined };

/** `pool`: for advice. */
export function stateOf({ jobs, pods }: Found, pool: PoolName): State {
  const living = pods.filter(isLiving);
  // The one that runs speaks for the worker.
  const pod = living.find(({ status }) => status?.phase === "Running") ?? living[0];
  if (pod !== undefined) return livingState(pod);
  if (jobs.length === 0) return { type: "gone" };
  const ended = pods.find((candidate) => terminated(candidate) !== undefined) ?? pods[0];
  if (ended !== undefined) return endedState(ended, pool);
  const end = jobs.flatMap(({ status }) => status?.conditions ?? []).find(isEnd);
  // Its pod is gone, with its node or by somebody's hand, and its code with it.
  if (end?.type === "Complete") return { type: "exited", code: 0, result: undefined };
  if (end !== undefined) {
    return { type: "exited", code: undefined, result: undefined, reason: endOfJob(jobs[0]) };
  }
  return { type: "waits", pod: undefined };
}

/** Its first process may still run, so its cards are not free. */
export function isLiving(pod: V1Pod): boolean {
  const phase = pod.status?.phase;
  return phase !== "Succeeded" && phase !== "Failed" && terminated(pod) === undefined;
}

function livingState(pod: V1Pod): State {
  const started = pod.status?.containerStatuses?.some(
    ({ name, state }) => name === CONTAINER && state?.running,
  );
  if (!started && pod.status?.phase !== "Running" && pod.metadata?.deletionTimestamp === undefined) {
    return { type: "waits", pod };
  }
  const ending = endingOf(pod);
  return { type: "running", ...(ending !== undefined && { ending }), ...placeOf(pod) };
}

function endedState(pod: V1Pod, pool: PoolName): ContainerState {
  const end = terminated(pod);
  const reason = endReason(pod, end, pool);
  const result = end?.message || undefined;
  return { type: "exited", code: end?.exitCode, result, ...(reason && { reason }), ...placeOf(pod) };
}

/** Told where it is known. */
function placeOf(pod: V1Pod): ContainerPlace {
  const node = pod.spec?.nodeName;
  const devices = devicesOf(pod);
  return { ...(node !== undefined && { node }), ...(devices !== undefined && { devices }) };
}

function terminated(pod: V1Pod): V1ContainerStateTerminated | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated;
}

function isEnd({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return status === "True" && (type === "Complete" || type === "Failed");
}
