// What the API plane keeps beside jobs and workers; the rules of ports/store.ts hold here too.
import type { EndpointName, EpochMs, JobId, TenantId } from "../domain/ids.ts";
import type { JsonBytes, PartsPayload, Payload } from "../domain/job/payload.ts";

export type PayloadStore = {
  /**
   * Small JSON comes back inline and nothing is written; else the parts are, and `owner` has so many bytes more. Writing
   * the same key again replaces them.
   */
  put(key: string, json: string | JsonBytes, expiresAt: EpochMs, owner: TenantId): Promise<Payload>;
  /** The same under another key, without having it in memory; undefined when parts have expired or were removed. */
  copy(
    from: PartsPayload,
    key: string,
    expiresAt: EpochMs,
    owner: TenantId,
  ): Promise<PartsPayload | undefined>;
  /** undefined when parts have expired or were removed. */
  get(payload: Payload): Promise<string | undefined>;
  /** One part by itself, for whoever passes a large payload on. */
  part(payload: PartsPayload, number: number): Promise<string | undefined>;
  /** Safe to repeat. */
  remove(payload: Payload): Promise<void>;
};

/** What each tenant has stored beside its jobs' own rows: one small row per large payload, none for a small one. */
export type StoredBytes = {
  /** Under a key of its own, until then; another word about the same key replaces the one before. */
  note(owner: TenantId, key: string, bytes: number, expiresAt: EpochMs): Promise<void>;
  forget(key: string): Promise<void>;
  /** As a hint, as every listing. */
  total(owner: TenantId): Promise<number>;
};

/** Chunks of `job-stream`, numbered from 1 by the job's counter. */
export type ChunkStore = {
  put(job: JobId, generation: number, number: number, json: string, expiresAt: EpochMs): Promise<void>;
  /** Numbers `from` to `to`; one that was never written or has expired is left out. */
  list(job: JobId, generation: number, from: number, to: number): Promise<string[]>;
};

export type ApiKey = {
  /** SHA-256 of the key, hex: the key itself is shown once and kept nowhere. */
  readonly hash: string;
  readonly tenant: TenantId;
  readonly login: string;
  readonly name: string;
  readonly createdAt: EpochMs;
  /** It was taken back: it opens nothing from then on. */
  readonly revoked?: Revocation | undefined;
};

export type Revocation = { readonly at: EpochMs; readonly reason: string; readonly by: string };

export type ApiKeyStore = {
  get(hash: string): Promise<ApiKey | undefined>;
  create(key: ApiKey): Promise<boolean>;
  /** Newest first, revoked ones too; a hint, as every listing. */
  list(limit: number): Promise<ApiKey[]>;
  /** In force when this answers. Stores the key where it was not, for one of dispatch.yaml; a first revocation stays. */
  revoke(key: ApiKey, revocation: Revocation): Promise<ApiKey>;
};

type OpenApiJob = { readonly id: JobId; readonly tenant: TenantId };

/** API jobs of an endpoint that are not terminal, as a hint, oldest first: their keys, the jobs are not read. */
type ApiJobIndex = { open(endpoint: EndpointName, limit: number): Promise<OpenApiJob[]> };

/** Ends of an endpoint's API jobs, for `/health`: a count may be one off after a lost answer. */
export type EndpointCounts = {
  add(endpoint: EndpointName, what: "completed" | "failed" | "retried"): Promise<void>;
  get(endpoint: EndpointName): Promise<{ completed: number; failed: number; retried: number }>;
};

export type ApiStores = {
  readonly payloads: PayloadStore;
  readonly stored: StoredBytes;
  readonly chunks: ChunkStore;
  readonly apiKeys: ApiKeyStore;
  readonly apiJobs: ApiJobIndex;
  readonly counts: EndpointCounts;
};
