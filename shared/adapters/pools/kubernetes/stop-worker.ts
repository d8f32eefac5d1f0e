// Ends a worker: its pods with the grace that was asked for, then its Job, so that none comes back, and waits a moment.
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Cluster } from "./cluster.ts";
import { type Found, isLiving } from "./container-state.ts";

export type StopDeps = {
  readonly cluster: Pick<Cluster, "deleteJob" | "deletePod">;
  readonly find: (workerId: WorkerId) => Promise<Found>;
  /** Epoch ms, as the cluster's own times. */
  readonly now: () => number;
};

/** A worker that obeys TERM is gone within a second or two, so that one call is enough for most. */
const WAIT_MS = 2_000;
const POLL_MS = 250;
/**
 * A pod whose container has ended is removed by its node 1 to 2 s later, and counts in the scheduler and the quota until
 * then. Where the node is away, that it has ended is enough after this.
 */
const REMOVAL_MS = 10_000;

/**
 * "stopping": a container may still run, so its cards are taken; that may last, where a node is away. Pods go first and by
 * name: those of a deleted Job get their own grace from Kubernetes' garbage collector, which a shorter one from us comes
 * too late for, often enough. None is made anew: the Job has `podReplacementPolicy: Failed` and no second try.
 */
export async function stopWorker(
  workerId: WorkerId,
  graceMs: number,
  { cluster, find, now }: StopDeps,
): Promise<"gone" | "stopping"> {
  let found = await find(workerId);
  const isAsked = found.jobs.length === 0 && found.pods.every((pod) => isBeingEnded(pod, graceMs));
  const deadline = performance.now() + (isAsked ? 0 : WAIT_MS);
  for (;;) {
    const { jobs, pods } = found;
    if (jobs.length === 0 && !pods.some((pod) => isThere(pod, now()))) return "gone";
    // Again in each look: a pod may have been made between the one before and the deletion of the Job.
    await Promise.all(pods.map((pod) => endPod(pod, graceMs, cluster)));
    await Promise.all(
      jobs.map(({ metadata }) => cluster.deleteJob(metadata?.namespace ?? "", metadata?.name ?? "")),
    );
    // Who obeys TERM had its moment when it was asked; whoever asks again is told how far it is.
    if (performance.now() >= deadline) return "stopping";
    await sleep(POLL_MS);
    found = await find(workerId);
  }
}

async function endPod(pod: V1Pod, graceMs: number, cluster: StopDeps["cluster"]): Promise<void> {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  if (!isBeingEnded(pod, graceMs)) await cluster.deletePod(namespace, name, graceOf(pod, graceMs));
}

function isThere(pod: V1Pod, now: number): boolean {
  const { deletionTimestamp } = pod.metadata ?? {};
  if (isLiving(pod) || deletionTimestamp === undefined) return true;
  return now < deletionTimestamp.getTime() + REMOVAL_MS;
}

/** Within that grace or sooner; one that has ended is only to be removed. */
function isBeingEnded(pod: V1Pod, graceMs: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (deletionTimestamp === undefined) return false;
  return !isLiving(pod) || (deletionGracePeriodSeconds ?? 0) <= graceOf(pod, graceMs);
}

/** Seconds, at least 1: with 0 Kubernetes forgets the pod at once, whether or not its container has ended. */
function graceOf(pod: V1Pod, graceMs: number): number {
  return isLiving(pod) ? Math.max(1, Math.ceil(graceMs / 1_000)) : 1;
}
