// What ended a worker's container, where that was not its own program, in words that read after "its container …".
import type { V1ContainerStateTerminated, V1Job, V1Pod } from "@kubernetes/client-node";
import type { PoolName } from "../../../domain/ids.ts";

/** Kubelets name volumes and thresholds at length. */
const MAX_WORDS = 400;

/**
 * Undefined when its program ended by itself. The container's own reason first: a pod that was evicted may have been
 * killed for memory before. `end`: of the worker's container, where its node told it.
 */
export function endReason(
  pod: V1Pod,
  end: V1ContainerStateTerminated | undefined,
  pool: PoolName,
): string | undefined {
  if (end?.reason === "OOMKilled") {
    return `was killed for lack of memory (OOMKilled): raise perCard.memory or perWorker.memory of pool ${pool}, or let the job use less`;
  }
  const { reason = "", message = "" } = pod.status ?? {};
  return byPod(reason, message) ?? byDisruption(pod) ?? byContainer(end);
}

/** Who has told it to end while it runs. Its dispatcher would know of a deletion of its own. */
export function endingOf(pod: V1Pod): string | undefined {
  if (pod.metadata?.deletionTimestamp === undefined) return undefined;
  return byDisruption(pod) ?? "was deleted in its cluster, with its pod or Job";
}

/** Its pod is gone, and what its node knew with it. */
export function endOfJob(job: V1Job | undefined): string {
  const condition = job?.status?.conditions?.find(
    ({ type, status }) => type === "Failed" && status === "True",
  );
  if (condition?.reason === "DeadlineExceeded") return AT_LIMIT;
  return "is gone with its pod: a preemption, a drained or lost node, or somebody's hand has deleted that";
}

const AT_LIMIT = "was ended at its time limit (DeadlineExceeded)";

/** The kubelet's word on the whole pod. */
function byPod(reason: string, message: string): string | undefined {
  const words = message === "" ? "" : `: ${clip(message)}`;
  switch (reason) {
    case "":
      return undefined;
    case "DeadlineExceeded":
      return AT_LIMIT;
    case "Evicted":
      return `was evicted by its node (Evicted)${words}`;
    case "Preempted":
    case "Preempting":
      return `had to make room for a pod of higher priority (${reason})${words}`;
    case "NodeLost":
      return `was lost with its node (NodeLost)${words}`;
    case "NodeShutdown":
    case "Shutdown":
    case "Terminated":
      return `was ended by the shutdown of its node (${reason})${words}`;
    case "UnexpectedAdmissionError":
      return `was refused by its node (${reason}), often for cards that its device plugin could not give${words}`;
    default:
      return `was ended by its node (${reason})${words}`;
  }
}

/**
 * Whoever asked the API to delete or evict it. Kubernetes, "Pod disruption conditions"; a taint may be a lost node's or a
 * person's.
 */
function byDisruption(pod: V1Pod): string | undefined {
  const found = pod.status?.conditions?.find(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );
  if (found === undefined) return undefined;
  const words = found.message ? `: ${clip(found.message)}` : "";
  switch (found.reason) {
    case "PreemptionByScheduler":
      return `had to make room for a pod of higher priority (Preempted)${words}`;
    case "EvictionByEvictionAPI":
      return `was evicted, as when a node is drained (Evicted)${words}`;
    case "DeletionByTaintManager":
      return `had to leave its node, which was lost or taken out of service (NoExecute taint)${words}`;
    case "DeletionByPodGC":
      return `was lost with its node (NodeLost)${words}`;
    case "TerminationByKubelet":
      return `was ended by its node${words}`;
    default:
      return `was ended by the cluster (${found.reason ?? "no reason"})${words}`;
  }
}

function byContainer(end: V1ContainerStateTerminated | undefined): string | undefined {
  const words = end?.message ? `: ${clip(end.message)}` : "";
  switch (end?.reason) {
    case "DeadlineExceeded":
      return AT_LIMIT;
    case "ContainerCannotRun":
    case "StartError":
      return `could not be run (${end.reason})${words}`;
    case "ContainerStatusUnknown":
      return "was lost: its node no longer knows how it ended (ContainerStatusUnknown)";
    default:
      return undefined;
  }
}

function clip(message: string): string {
  const line = message.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)} …` : line;
}
