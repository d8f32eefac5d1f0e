// What every store keeps: one flat row per noun, and the few ways to write and list rows that all adapters share.
import type { EpochMs } from "../../domain/ids.ts";

export type RowKind =
  | "job"
  | "worker"
  | "pool"
  | "lane"
  | "tenant"
  | "near-miss"
  | "deployment"
  | "part"
  | "chunk"
  | "stored"
  | "api-key"
  | "mark"
  | "repository"
  | "count";

/** An index attribute that is absent keeps the row out of that index. */
export type Row = {
  /** Primary key, built in keys.ts. */
  readonly pk: string;
  readonly kind: RowKind;
  readonly version: number;
  /** Nonce of the write that left the row so; heartbeats keep it. */
  readonly writeId: string;
  readonly schema: 1;
  /** The noun as JSON text; of a part, a piece of such a text. */
  readonly data: string;
  /** Lane index: waiting jobs with the cards that a head must tell, and those that are unpaired. */
  readonly lanePk?: string | undefined;
  readonly laneSk?: string | undefined;
  readonly cards?: number | undefined;
  /** Due index, epoch milliseconds. */
  readonly dueAt?: EpochMs | undefined;
  /**
   * Set index: lanes of a pool, live workers of a pool, tenants, near misses, open API jobs of an endpoint, API keys, a
   * tenant's payloads.
   */
  readonly setPk?: string | undefined;
  readonly setSk?: string | undefined;
  /** Epoch seconds, as DynamoDB's TTL wants it. */
  readonly expiresAt?: number | undefined;
  /** Written by `touch` only; lies over the worker in `data` when that is read. */
  readonly heartbeatAt?: EpochMs | undefined;
};

/** `absentAt`: there is no row, or only one that has expired by then. */
export type WriteCondition = { readonly version: number } | { readonly absentAt: EpochMs };

export type LaneEntry = { readonly pk: string; readonly laneSk: string; readonly cards: number };
export type DueEntry = { readonly pk: string; readonly dueAt: EpochMs };
/** Enough to count and to choose by: `data` may be some 100 kB. */
export type SetKey = { readonly pk: string; readonly setSk: string };
export type SetEntry = Pick<Row, "pk" | "schema" | "version" | "data" | "expiresAt">;

/**
 * All methods throw StoreError. A retryable one from a write means that its effect is unknown; `guardRows` finds out.
 * Listings are in ascending order of their sort key, page until `limit` or the end, and may be stale.
 */
export type Rows = {
  /** Strongly consistent; expired rows included. */
  get(pk: string): Promise<Row | undefined>;
  /** Writes the whole row but `heartbeatAt`, which a write under a version keeps; false = the condition failed. */
  put(row: Row, condition: WriteCondition): Promise<boolean>;
  /** Moves heartbeat and due time and nothing else, in place; false = no such row, or it is in no set any more. */
  touch(pk: string, beat: { readonly heartbeatAt: EpochMs; readonly dueAt: EpochMs }): Promise<boolean>;
  /**
   * Inserts the row with version 1, or overwrites it with its stored version + 1; the same `writeId` twice in a row
   * counts once.
   */
  bump(row: Row): Promise<void>;
  queryLane(lanePk: string, limit: number): Promise<LaneEntry[]>;
  /** Due at `until` or before, oldest first. */
  queryDue(until: EpochMs, limit: number): Promise<DueEntry[]>;
  /** Without a limit: all. */
  querySet(setPk: string, limit?: number): Promise<SetEntry[]>;
  querySetKeys(setPk: string, limit?: number): Promise<SetKey[]>;
};

/** DynamoDB deletes expired rows within days, an emulator never: whoever reads must look. */
export function isExpired(row: Pick<Row, "expiresAt">, now: EpochMs): boolean {
  return row.expiresAt !== undefined && row.expiresAt * 1_000 <= now;
}
