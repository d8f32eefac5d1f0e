// What a worker that has not started yet waits for, in a sentence, from its Job, its pod and their events.
import type { CoreV1Event, V1ContainerStatus, V1Job, V1Pod } from "@kubernetes/client-node";
import type { EpochMs } from "../../../../domain/ids.ts";
import type { WaitsFor } from "../../../../domain/waiting/wait-view.ts";
import { KUEUE_QUEUE } from "../job/queue.ts";
import { CONTAINER } from "../names.ts";

export type Pending = {
  readonly job: V1Job | undefined;
  readonly pod: V1Pod | undefined;
  /** Of the pod, or of the Job where there is no pod. */
  readonly events: readonly CoreV1Event[];
  /** Of the pod's group, where Volcano has made one. */
  readonly groupEvents?: readonly CoreV1Event[] | undefined;
  /** Kueue's word on the Job; undefined: none, or it could not be read. */
  readonly queueSays?: string | undefined;
  readonly now: EpochMs;
};

/** A registry that is slow or away for a moment is no reason yet: the kubelet tries again after 10 s, 20 s, 40 s. */
const PULL_FAULT_MS = 60_000;
/** Scheduler messages name every node group of the cluster. */
const MAX_WORDS = 400;

export type Waits = { readonly waits: string; readonly waitsFor: WaitsFor | undefined };

export function pendingReason(pending: Pending): Waits {
  const { pod, events, now } = pending;
  if (pod === undefined) return reasonWithoutPod(pending);
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (pod.spec?.nodeName === undefined && scheduled?.status !== "True") {
    return reasonWithoutNode(pod, scheduled, pending);
  }
  // A builder starts before the worker.
  const builder = pod.status?.initContainerStatuses?.find(({ state }) => state?.waiting !== undefined);
  const status = builder ?? pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return containerReason(pod, status, now) ?? nodeReason(pod, events);
}

function reasonWithoutPod({ job, events, queueSays }: Pending): Waits {
  const said = newest(events, "Warning") ?? newest(events, "Normal", ["Pending", "Suspended"]);
  const words = said === undefined ? "" : `: ${clip(said.message ?? "")}`;
  const queue = job?.metadata?.labels?.[KUEUE_QUEUE];
  if (job?.spec?.suspend) {
    const where = queue === undefined ? "Its Job is suspended" : `Waits in the Kueue queue ${queue}`;
    return sentence("queue", `${where}${queueSays === undefined ? words : `: ${clip(queueSays)}`}`);
  }
  if (said?.type !== "Warning") return sentence(undefined, "Kubernetes has not made its pod yet");
  const message = said.message ?? "";
  const waitsFor = OVER_QUOTA.test(message) ? "quota" : undefined;
  return sentence(waitsFor, `Kubernetes cannot make its pod${words}${adviceOn(message)}`);
}

const OVER_QUOTA = /exceeded quota:/;

function adviceOn(message: string): string {
  if (OVER_QUOTA.test(message)) return " (the namespace's quota is used up)";
  return /must specify/.test(message) ? " (set these in perWorker or perCard of the pool)" : "";
}

/**
 * Volcano tells these of a pod's group alone, beside "1/1 tasks in gang unschedulable": pkg/scheduler/plugins/capacity
 * and proportion ("queue resource quota insufficient: insufficient …"), resourcequota ("resource quota insufficient,
 * requested: …"), overcommit ("resource in cluster is overused: overused …").
 */
const NOT_LET_IN: readonly { readonly words: RegExp; readonly waitsFor: WaitsFor; readonly what: string }[] =
  [
    { words: /^queue resource quota insufficient/, waitsFor: "quota", what: "Its queue has no room" },
    { words: /^resource quota insufficient/, waitsFor: "quota", what: "Its namespace's quota has no room" },
    { words: /^resource in cluster is overused/, waitsFor: "node", what: "The cluster has no room for it" },
  ];

/** Volcano's word on a pod that it has not tried to place: FitError of pkg/scheduler/api/job_info.go. */
const NOT_TRIED = /^pod group is not ready/;

function groupReason(groupEvents: readonly CoreV1Event[] = []): Waits | undefined {
  const said = newest(
    groupEvents.filter(({ message = "" }) => NOT_LET_IN.some(({ words }) => words.test(message))),
    "Normal",
  );
  const found = NOT_LET_IN.find(({ words }) => words.test(said?.message ?? ""));
  return found && sentence(found.waitsFor, `${found.what}: ${clip(said?.message ?? "")}`);
}

type Condition = { readonly reason?: string; readonly message?: string };

function reasonWithoutNode(
  pod: V1Pod,
  condition: Condition | undefined,
  { events, groupEvents }: Pending,
): Waits {
  if (condition?.reason === "SchedulingGated") {
    return sentence("queue", "Its pod waits for the admission of a queue");
  }
  const message = condition?.message ?? newest(events, "Warning")?.message;
  if (message === undefined || NOT_TRIED.test(message)) {
    const reason = groupReason(groupEvents);
    if (reason !== undefined) return reason;
  }
  if (message && NOT_TRIED.test(message))
    return sentence("queue", `Its queue has not let it in: ${clip(message)}`);
  if (message) return sentence("node", `No node can take it: ${clip(message)}`);
  const scheduler = pod.spec?.schedulerName ?? "default-scheduler";
  return sentence("node", `Its pod waits for the scheduler ${scheduler}`);
}

/** Undefined when its state says no more than that it is on its way. */
function containerReason(pod: V1Pod, status: V1ContainerStatus | undefined, now: EpochMs): Waits | undefined {
  const { reason = "", message = "" } = status?.state?.waiting ?? {};
  const image = status?.image || pod.spec?.containers[0]?.image;
  const words = message === "" ? "" : `: ${clip(message)}`;
  switch (reason) {
    case "ErrImagePull":
    case "ImagePullBackOff": {
      const minutes = Math.floor((now - startOf(pod, now)) / 60_000);
      if (now - startOf(pod, now) < PULL_FAULT_MS)
        return sentence("image", `Its image ${image} was not pulled at the first try; it is tried again`);
      return sentence("image", `Its image ${image} cannot be pulled, for ${minutes} min now${words}`);
    }
    case "InvalidImageName":
    case "ErrImageNeverPull":
      return sentence("image", `Its image ${image} cannot be used (${reason})${words}`);
    case "":
    case "ContainerCreating":
    case "PodInitializing":
      return undefined;
    default:
      return sentence("host", `Its container cannot be made (${reason})${words}`);
  }
}

function nodeReason(pod: V1Pod, events: readonly CoreV1Event[]): Waits {
  const node = pod.spec?.nodeName ?? "its node";
  const fault = newest(events, "Warning", ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"]);
  if (fault !== undefined)
    return sentence("host", `The node ${node} cannot prepare it: ${clip(fault.message ?? "")}`);
  const pulling = newest(events, "Normal", ["Pulling"]);
  const pulled = newest(events, "Normal", ["Pulled"]);
  if (pulling !== undefined && pulled === undefined) {
    return sentence("image", `The node ${node} pulls its image ${pod.spec?.containers[0]?.image}`);
  }
  return sentence("host", `The node ${node} prepares its container`);
}

/** When the node took it. */
function startOf(pod: V1Pod, fallback: EpochMs): EpochMs {
  return (pod.status?.startTime ?? pod.metadata?.creationTimestamp)?.getTime() ?? fallback;
}

function newest(
  events: readonly CoreV1Event[],
  type: "Warning" | "Normal",
  reasons?: readonly string[],
): CoreV1Event | undefined {
  const fitting = events.filter(
    (event) => event.type === type && (reasons === undefined || reasons.includes(event.reason ?? "")),
  );
  return fitting.reduce<CoreV1Event | undefined>(
    (latest, event) => (latest === undefined || timeOf(event) >= timeOf(latest) ? event : latest),
    undefined,
  );
}

function timeOf({ lastTimestamp, eventTime, metadata }: CoreV1Event): number {
  return new Date(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? 0).getTime();
}

function clip(message: string): string {
  const line = message.replace(/\s+/g, " ").trim();
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)} …` : line;
}

function sentence(waitsFor: WaitsFor | undefined, text: string): Waits {
  return { waits: /[.…]$/.test(text) ? text : `${text}.`, waitsFor };
}
