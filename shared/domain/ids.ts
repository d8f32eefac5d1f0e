// Branded identifiers: one type per noun, so that a worker id can never be passed where a job id is meant.

declare const brand: unique symbol;
type Branded<Kind extends string> = string & { readonly [brand]: Kind };

/** `gh-<workflow_job.id>` for a job from GitHub, `<uuid>-e1` for one from the API (RunPod's form). */
export type JobId = Branded<"job">;
/** `[a-z0-9-]{1,50}`, new for each start; also the name of its runner (GitHub allows 64 characters). */
export type WorkerId = Branded<"worker">;
/** A concrete endpoint name, a pattern already filled in: `linux-aarch64-a2-4`. */
export type EndpointName = Branded<"endpoint">;
export type PoolName = Branded<"pool">;
/** The owner's numeric id at GitHub (`repository.owner.id`) as text: it survives renames, a login does not. */
export type TenantId = Branded<"tenant">;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export const endpointName = (text: string): EndpointName => text as EndpointName;
export const poolName = (text: string): PoolName => text as PoolName;
export const tenantId = (ownerId: number | string): TenantId => String(ownerId) as TenantId;
export const jobId = (text: string): JobId => text as JobId;

/** GitHub's job ids passed 10^11 in 2026: they fit a JavaScript number, not an int32. */
export function githubJobId(workflowJobId: number): JobId {
  return `gh-${workflowJobId}` as JobId;
}

/** Length of a deployment id: 2 * 10^9 of them, so that two dispatchers of one organization do not meet. */
export const DEPLOYMENT_ID_LENGTH = 6;

const WORKER_ID = /^[a-z0-9-]{1,50}$/;

/** Parses a worker id that came from outside (a path, a runner's name); undefined when it cannot be one. */
export function parseWorkerId(text: string): WorkerId | undefined {
  return WORKER_ID.test(text) ? (text as WorkerId) : undefined;
}

/**
 * The id of a new worker. `deployment` (6 characters, stored once) tells our runners from those of another
 * controller in the same organization; `random` is at least 10 characters of [a-z0-9].
 */
export function newWorkerId(deployment: string, random: string): WorkerId {
  return `npud-${deployment}-${random}` as WorkerId;
}

/** True when a runner of this name was registered by this deployment. */
export function isOwnRunner(deployment: string, runnerName: string): boolean {
  return runnerName.startsWith(`npud-${deployment}-`) && isWorkerName(runnerName);
}

/** True when a runner of this name was registered by some deployment of this product. */
export function isWorkerName(runnerName: string): boolean {
  return runnerName.startsWith("npud-") && parseWorkerId(runnerName) !== undefined;
}
