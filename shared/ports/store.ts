// The table, in our own nouns. Every write is a conditional write of one item; `false` means the condition failed.
//
// Common to all stores:
// - `get` is strongly consistent. Listings come from an index: hints, which may be stale; conditions decide.
// - `create` answers false when an item of that id exists.
// - `replace(next)` writes `next` where the stored version is `next.version - 1`; false = another writer was first:
//   reload and decide again.
// - A write whose answer was lost may have been applied. Adapters resolve that themselves (each write carries a nonce);
//   when they cannot, they throw StoreError with `retryable`, and the caller's whole use case is safe to run again.

import type { Tenant } from "../domain/admission/tenant.ts";
import type { EndpointName, EpochMs, JobId, PoolName, TenantId, WorkerId } from "../domain/ids.ts";
import type { Job } from "../domain/job/job.ts";
import type { SeenRepository } from "../domain/job/repository.ts";
import type { Lane } from "../domain/pool/lane.ts";
import type { Pool } from "../domain/pool/pool.ts";
import type { Marked, MarkKind } from "../domain/upkeep/marks.ts";
import type { Worker } from "../domain/worker/worker.ts";

export type JobStore = {
  get(id: JobId): Promise<Job | undefined>;
  create(job: Job): Promise<boolean>;
  replace(next: Job): Promise<boolean>;
  /** The first waiting jobs of a lane in its order, as a hint: ids with what a decision needs. */
  heads(lane: { pool: PoolName; tenant: TenantId }, limit: number): Promise<JobHead[]>;
  /** Its jobs that `isUnpaired`, as a hint. */
  unpaired(
    place: { pool: PoolName; tenant: TenantId; endpoint: EndpointName },
    limit: number,
  ): Promise<JobId[]>;
};

/** What the lane index knows of a waiting job. */
export type JobHead = { readonly id: JobId; readonly cards: number; readonly order: string };

export type WorkerStore = {
  get(id: WorkerId): Promise<Worker | undefined>;
  create(worker: Worker): Promise<boolean>;
  replace(next: Worker): Promise<boolean>;
  /** Moves heartbeat and due time only, without the version; false when there is no such worker or it is released. */
  heartbeat(id: WorkerId, at: EpochMs, dueAt: EpochMs): Promise<boolean>;
  /** Workers of a pool that are not released, as the index shows them: hints, their heartbeats may be older still. */
  live(pool: PoolName): Promise<Worker[]>;
  /** The same without what is known of them: an eighth of the bytes and a third of the CPU. */
  liveIds(pool: PoolName): Promise<WorkerId[]>;
};

export type PoolStore = {
  get(name: PoolName): Promise<Pool | undefined>;
  create(pool: Pool): Promise<boolean>;
  replace(next: Pool): Promise<boolean>;
};

export type LaneStore = {
  /** Makes a lane known; harmless when it is. */
  register(lane: Lane): Promise<void>;
  list(pool: PoolName): Promise<Lane[]>;
};

export type TenantStore = {
  get(id: TenantId): Promise<Tenant | undefined>;
  create(tenant: Tenant): Promise<boolean>;
  replace(next: Tenant): Promise<boolean>;
  list(): Promise<Tenant[]>;
};

/** Labels that nearly matched: one counter per tenant and label set, so that a typo cannot fill the table. */
export type NearMiss = {
  readonly tenant: TenantId;
  readonly login: string;
  readonly labels: readonly string[];
  readonly reason: string;
  readonly lastAt: EpochMs;
  readonly lastUrl: string;
};

export type NearMissStore = {
  count(miss: NearMiss): Promise<void>;
  /** The tenant's newest. */
  list(tenant: TenantId, limit: number): Promise<(NearMiss & { readonly count: number })[]>;
};

export type DueItem =
  | { readonly kind: "job"; readonly id: JobId; readonly dueAt: EpochMs }
  | { readonly kind: "worker"; readonly id: WorkerId; readonly dueAt: EpochMs };

/** What the reconciler reads: items whose `dueAt` has come, oldest first, as a hint. */
type DueIndex = { due(now: EpochMs, limit: number): Promise<DueItem[]> };

/** What background work remembers. `id` names one of its kind: a pool, an owner, or the only one. */
export type MarkStore = {
  get<Kind extends MarkKind>(kind: Kind, id: string): Promise<Marked<Kind> | undefined>;
  /** Creates with version 1, else replaces the version before; false = another writer was first. */
  put<Kind extends MarkKind>(kind: Kind, id: string, next: Marked<Kind>): Promise<boolean>;
};

export type RepositoryStore = {
  /** Remembers it for 30 days from its last job; costs a write at most once in REPOSITORY_SEEN_MS. */
  saw(repository: SeenRepository): Promise<void>;
  /** Those seen last first, as a hint. */
  list(limit: number): Promise<SeenRepository[]>;
};

/** Facts about this installation, written once. */
export type DeploymentStore = {
  /** The stored deployment id; `fallback` is stored and returned when there is none yet. */
  deploymentId(fallback: string): Promise<string>;
};

export type Stores = {
  readonly jobs: JobStore;
  readonly workers: WorkerStore;
  readonly pools: PoolStore;
  readonly lanes: LaneStore;
  readonly tenants: TenantStore;
  readonly nearMisses: NearMissStore;
  readonly due: DueIndex;
  readonly marks: MarkStore;
  readonly repositories: RepositoryStore;
  readonly deployment: DeploymentStore;
};

/** What a write tells those who listen: the table's stream in the cloud, a direct call in one process. */
export type Change =
  | { readonly kind: "job"; readonly job: Job }
  | { readonly kind: "worker"; readonly worker: Worker };

/** A fault of the store. `retryable`: the same use case may be run again. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly retryable: boolean;
  constructor(message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
  }
}
