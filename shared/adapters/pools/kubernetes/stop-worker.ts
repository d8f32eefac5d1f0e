// Ends a worker: its Job, so that no pod comes back, then its pods with the grace that was asked for, and waits a moment.
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Cluster } from "./cluster.ts";
import { type Found, isLiving } from "./container-state.ts";

export type StopDeps = {
  readonly cluster: Pick<Cluster, "deleteJob" | "deletePod">;
  readonly find: (workerId: WorkerId) => Promise<Found>;
};

/** A worker that obeys TERM is gone within a second or two, so that one call is enough for most. */
const WAIT_MS = 2_000;
const POLL_MS = 250;

/**
 * "stopping": a container may still run, so its cards are taken; that may last, where a node is away. Pods are deleted
 * by name since Kubernetes gives those of a deleted Job their own grace, not ours.
 */
export async function stopWorker(
  workerId: WorkerId,
  graceMs: number,
  { cluster, find }: StopDeps,
): Promise<"gone" | "stopping"> {
  const { jobs, pods } = await find(workerId);
  const isAsked = jobs.length === 0 && pods.every((pod) => isBeingEnded(pod, graceMs));
  await Promise.all(
    jobs.map(({ metadata }) => cluster.deleteJob(metadata?.namespace ?? "", metadata?.name ?? "")),
  );
  // A pod may have been made between the look and the deletion of the Job.
  const left = jobs.length === 0 ? pods : (await find(workerId)).pods;
  await Promise.all(left.map((pod) => endPod(pod, graceMs, cluster)));
  // Who obeys TERM had its moment when it was asked; whoever asks again is told how far it is.
  const deadline = performance.now() + (isAsked ? 0 : WAIT_MS);
  for (;;) {
    const found = await find(workerId);
    if (found.jobs.length === 0 && !found.pods.some(isLiving)) return "gone";
    if (performance.now() >= deadline) return "stopping";
    await sleep(POLL_MS);
  }
}

async function endPod(pod: V1Pod, graceMs: number, cluster: StopDeps["cluster"]): Promise<void> {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  if (!isBeingEnded(pod, graceMs)) await cluster.deletePod(namespace, name, graceOf(pod, graceMs));
}

/** Within that grace or sooner. */
function isBeingEnded(pod: V1Pod, graceMs: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) <= graceOf(pod, graceMs);
}

/** Seconds, at least 1: with 0 Kubernetes forgets the pod at once, whether or not its container has ended. */
function graceOf(pod: V1Pod, graceMs: number): number {
  return isLiving(pod) ? Math.max(1, Math.ceil(graceMs / 1_000)) : 1;
}
