// A lane is the waiting jobs of one tenant in one pool: the unit of fairness.
import type { EndpointName, EpochMs, JobId, PoolName, TenantId } from "../ids.ts";

export type Lane = {
  readonly pool: PoolName;
  readonly tenant: TenantId;
  /** The owner's login, for settings and messages. */
  readonly login: string;
};

export function laneKey(lane: { readonly pool: PoolName; readonly tenant: TenantId }): string {
  return `${lane.pool}#${lane.tenant}`;
}

/** The jobs of a lane that are in no order, by their endpoint: GitHub gives any of them to any runner of it. */
export function unpairedKey(
  one: Parameters<typeof laneKey>[0] & { readonly endpoint: EndpointName },
): string {
  return `unpaired#${laneKey(one)}#${one.endpoint}`;
}

/** Place in a lane: higher priority first, then older, then by id so that the order is total. Sorts as text. */
export function laneOrder(job: {
  readonly priority: number;
  readonly queuedAt: EpochMs;
  readonly id: JobId;
}): string {
  const priority = String(1_000 - Math.max(0, Math.min(1_000, job.priority))).padStart(4, "0");
  return `${priority}#${String(job.queuedAt).padStart(15, "0")}#${job.id}`;
}

/** The part of a lane's order that compares across lanes: who waits longer. A priority counts within its lane only. */
export function waitOrder(order: string): string {
  return order.slice(order.indexOf("#") + 1);
}

/** Since when the job of this order waits. */
export function waitingSince(order: string): EpochMs {
  return Number.parseInt(waitOrder(order), 10);
}
