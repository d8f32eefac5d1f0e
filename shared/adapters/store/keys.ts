// Keys of rows and of the sets they are listed in, and the way back from a key to an id.
import { createHash } from "node:crypto";
import type { EndpointName, EpochMs, JobId, PoolName, TenantId, WorkerId } from "../../domain/ids.ts";
import { laneKey } from "../../domain/pool/lane.ts";
import type { MarkKind } from "../../domain/upkeep/marks.ts";
import type { DueItem } from "../../ports/store.ts";
import type { DueEntry } from "./rows.ts";

export const DEPLOYMENT_KEY = "deployment";
export const TENANT_SET = "tenants";
/** Of all tenants, as they were kept once: those of one could crowd out the others'. */
export const OLD_NEAR_MISS_SET = "near-misses";
export const REPOSITORY_SET = "repositories";
export const API_KEY_SET = "api-keys";

export const jobKey = (id: JobId): string => `job#${id}`;
export const workerKey = (id: WorkerId): string => `worker#${id}`;
export const poolKey = (name: PoolName): string => `pool#${name}`;
export const tenantKey = (id: TenantId): string => `tenant#${id}`;
export const laneRowKey = (lane: { pool: PoolName; tenant: TenantId }): string => `lane#${laneKey(lane)}`;
export const laneSet = (pool: PoolName): string => `lanes#${pool}`;
export const workerSet = (pool: PoolName): string => `workers#${pool}`;
export const apiJobSet = (endpoint: EndpointName): string => `api-jobs#${endpoint}`;
export const apiKeyKey = (hash: string): string => `api-key#${hash}`;
export const countKey = (endpoint: EndpointName, what: string): string => `count#${endpoint}#${what}`;
export const partKey = (key: string, number: number): string => `part#${key}#${number}`;
export const storedKey = (key: string): string => `stored#${key}`;
export const storedSet = (owner: TenantId): string => `stored#${owner}`;
export const markKey = (kind: MarkKind, id: string): string => `mark#${kind}#${id}`;
export const repositoryKey = (id: number): string => `repository#${id}`;
export const chunkKey = (job: JobId, generation: number, number: number): string =>
  `chunk#${job}#${generation}#${number}`;

export const nearMissSet = (tenant: TenantId): string => `near-misses#${tenant}`;

/** One key for a set of labels, whatever their order and case: GitHub compares them so. */
export function nearMissKey(tenant: TenantId, labels: readonly string[]): string {
  const sorted = [...new Set(labels.map((label) => label.toLowerCase()))].sort((a, b) => (a < b ? -1 : 1));
  return `near-miss#${tenant}#${createHash("sha256").update(JSON.stringify(sorted)).digest("hex")}`;
}

/** Sorts the oldest first, and jobs of one moment by id; with the tenant, whose jobs are counted without their rows. */
export function openJobOrder(at: EpochMs, id: JobId, tenant: TenantId): string {
  return `${String(at).padStart(15, "0")}#${id}#${tenant}`;
}

export function ownerOf(openJobSk: string): TenantId {
  return openJobSk.slice(openJobSk.lastIndexOf("#") + 1) as TenantId;
}

/** Sorts the newest first in an ascending listing. */
export function newestFirst(at: EpochMs): string {
  return String(9_999_999_999_999 - at).padStart(15, "0");
}

export function jobIdOf(pk: string): JobId {
  return pk.slice("job#".length) as JobId;
}

export function workerIdOf(pk: string): WorkerId {
  return pk.slice("worker#".length) as WorkerId;
}

/** undefined for a key of another kind: an older version of this program may have made it due. */
export function dueItemOf(entry: DueEntry): DueItem | undefined {
  if (entry.pk.startsWith("job#")) return { kind: "job", id: jobIdOf(entry.pk), dueAt: entry.dueAt };
  if (entry.pk.startsWith("worker#")) return { kind: "worker", id: workerIdOf(entry.pk), dueAt: entry.dueAt };
  return undefined;
}
