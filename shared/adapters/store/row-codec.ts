// Nouns to rows and back: which noun is in which index, when it expires, and what of a row lies over its JSON text.

import type { Tenant } from "../../domain/admission/tenant.ts";
import type { EpochMs } from "../../domain/ids.ts";
import { isTerminal, isWaiting, type Job, jobDueAt } from "../../domain/job/job.ts";
import type { SeenRepository } from "../../domain/job/repository.ts";
import { type Lane, laneKey, laneOrder, unpairedKey } from "../../domain/pool/lane.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import type { Marked, MarkKind } from "../../domain/upkeep/marks.ts";
import { isUnpaired } from "../../domain/worker/needs-rebind.ts";
import { isLive, isServing, type Worker } from "../../domain/worker/worker.ts";
import { type NearMiss, StoreError } from "../../ports/store.ts";
import {
  apiJobSet,
  DEPLOYMENT_KEY,
  jobKey,
  laneRowKey,
  laneSet,
  markKey,
  nearMissKey,
  nearMissSet,
  newestFirst,
  openJobOrder,
  poolKey,
  REPOSITORY_SET,
  repositoryKey,
  TENANT_SET,
  tenantKey,
  workerKey,
  workerSet,
} from "./keys.ts";
import type { Row, RowKind } from "./rows.ts";

/** A row before it is written. */
export type RowDraft = Omit<Row, "writeId">;

/** How long terminal jobs, released workers and near misses are kept. */
const HISTORY_SECONDS = 30 * 24 * 3_600;

/** A quarter below DynamoDB's 400 kB, which counts names, keys and index attributes too. */
const MAX_DATA_BYTES = 300_000;

export function rowOfJob(job: Job, now: EpochMs): RowDraft {
  const lanePk = isWaiting(job) ? laneKey(job) : isUnpaired(job) ? unpairedKey(job) : undefined;
  const lane = lanePk === undefined ? {} : { lanePk, laneSk: laneOrder(job), cards: job.cards };
  const expiresAt = isTerminal(job) ? expiry(now) : undefined;
  const set =
    job.api === undefined || isTerminal(job)
      ? {}
      : { setPk: apiJobSet(job.endpoint), setSk: openJobOrder(job.createdAt, job.id, job.tenant) };
  return {
    ...draft("job", jobKey(job.id), job.version, job),
    ...lane,
    ...set,
    dueAt: jobDueAt(job),
    expiresAt,
  };
}

export function rowOfWorker(worker: Worker, now: EpochMs): RowDraft {
  const base = draft("worker", workerKey(worker.id), worker.version, worker);
  if (!isLive(worker)) return { ...base, expiresAt: expiry(now) };
  return { ...base, dueAt: worker.dueAt, setPk: workerSet(worker.pool), setSk: worker.id };
}

export function rowOfPool(pool: Pool): RowDraft {
  return draft("pool", poolKey(pool.name), pool.version, pool);
}

/** Each pass reads all lanes of its pool: one that no job came to for so long that none can wait in it goes. */
export function rowOfLane(lane: Lane, version: number, now: EpochMs): RowDraft {
  const base = draft("lane", laneRowKey(lane), version, lane);
  return { ...base, setPk: laneSet(lane.pool), setSk: lane.tenant, expiresAt: expiry(now) };
}

export function rowOfTenant(tenant: Tenant): RowDraft {
  const base = draft("tenant", tenantKey(tenant.id), tenant.version, tenant);
  return { ...base, setPk: TENANT_SET, setSk: tenant.id };
}

/** The version of a near miss is its count. */
export function rowOfNearMiss(miss: NearMiss): RowDraft {
  const base = draft("near-miss", nearMissKey(miss.tenant, miss.labels), 1, miss);
  return {
    ...base,
    setPk: nearMissSet(miss.tenant),
    setSk: newestFirst(miss.lastAt),
    expiresAt: expiry(miss.lastAt),
  };
}

export function rowOfMark(kind: MarkKind, id: string, mark: Marked<MarkKind>): RowDraft {
  const { version, value, expiresAt } = mark;
  const base = draft("mark", markKey(kind, id), version, value);
  return expiresAt === undefined ? base : { ...base, expiresAt: Math.ceil(expiresAt / 1_000) };
}

export function rowOfRepository(repository: SeenRepository, version: number): RowDraft {
  const base = draft("repository", repositoryKey(repository.id), version, repository);
  const { lastJobAt } = repository;
  return { ...base, setPk: REPOSITORY_SET, setSk: newestFirst(lastJobAt), expiresAt: expiry(lastJobAt) };
}

export function rowOfDeployment(id: string): RowDraft {
  return draft("deployment", DEPLOYMENT_KEY, 0, { id });
}

/**
 * The worker with its last heartbeat, which is newer than `data` unless a later write took it in. A ping that was under
 * way while its worker ended says nothing of when that one is due.
 */
export function workerOfRow(row: Row): Worker {
  const worker = nounOf<Worker>(row);
  if (!isLive(worker) || row.heartbeatAt === undefined) return worker;
  const heartbeatAt = Math.max(row.heartbeatAt, worker.heartbeatAt ?? 0);
  return { ...worker, heartbeatAt, dueAt: isServing(worker) ? row.dueAt : worker.dueAt };
}

/** Throws StoreError for a row that this version of the program cannot read. */
export function nounOf<Noun>(row: Pick<Row, "pk" | "schema" | "data">): Noun {
  if (row.schema !== 1) {
    throw new StoreError(
      `Row ${row.pk} has schema ${String(row.schema)}, this program reads schema 1. Run the newer version that wrote it.`,
      { retryable: false },
    );
  }
  const noun = parsed(row);
  if (typeof noun === "object" && noun !== null) return noun as Noun;
  throw unreadable(row, undefined);
}

function parsed(row: Pick<Row, "pk" | "data">): unknown {
  try {
    return JSON.parse(row.data);
  } catch (cause) {
    throw unreadable(row, cause);
  }
}

function unreadable({ pk }: Pick<Row, "pk">, cause: unknown): StoreError {
  const message = `Row ${pk} is not readable: its data is not a JSON object. Restore it from a backup.`;
  return new StoreError(message, { retryable: false, cause });
}

function draft(kind: RowKind, pk: string, version: number, noun: object): RowDraft {
  const data = JSON.stringify(noun);
  const bytes = Buffer.byteLength(data);
  if (bytes > MAX_DATA_BYTES) {
    throw new StoreError(
      `${pk} is too big to store: ${bytes} bytes, the limit is ${MAX_DATA_BYTES}. Shorten its largest field.`,
      { retryable: false },
    );
  }
  return { pk, kind, version, schema: 1, data };
}

function expiry(from: EpochMs): number {
  return Math.floor(from / 1_000) + HISTORY_SECONDS;
}
