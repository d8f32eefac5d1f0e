// Rows of what the API plane keeps beside jobs: parts of payloads, chunks, keys, counts.
import type { EpochMs, TenantId } from "../../domain/ids.ts";
import type { Payload } from "../../domain/job/payload.ts";
import type { ApiKey } from "../../ports/api-store.ts";
import { API_KEY_SET, apiKeyKey, newestFirst, storedKey, storedSet } from "./keys.ts";
import type { RowDraft } from "./row-codec.ts";

/** `text` is a piece of JSON, stored as it is: escaped once more it could be twice as long. */
export function rowOfPart(pk: string, text: string, expiresAt: EpochMs): RowDraft {
  return { pk, kind: "part", version: 1, schema: 1, data: text, expiresAt: seconds(expiresAt) };
}

export function rowOfChunk(pk: string, payload: Payload, expiresAt: EpochMs): RowDraft {
  const data = JSON.stringify(payload);
  return { pk, kind: "chunk", version: 1, schema: 1, data, expiresAt: seconds(expiresAt) };
}

/** Without `of` it is in no set, and gone. */
export function rowOfStored(
  key: string,
  of: { readonly owner: TenantId; readonly bytes: number } | undefined,
  expiresAt: EpochMs,
): RowDraft {
  const base = { pk: storedKey(key), kind: "stored", version: 1, schema: 1, data: "{}" } as const;
  const until = seconds(expiresAt);
  if (of === undefined) return { ...base, expiresAt: until };
  const setSk = `${String(until).padStart(12, "0")}#${of.bytes}#${key}`;
  return { ...base, setPk: storedSet(of.owner), setSk, expiresAt: until };
}

export function rowOfApiKey(key: ApiKey, version: number): RowDraft {
  const set = { setPk: API_KEY_SET, setSk: `${newestFirst(key.createdAt)}#${key.hash}` };
  return {
    pk: apiKeyKey(key.hash),
    kind: "api-key",
    version,
    schema: 1,
    data: JSON.stringify(key),
    ...set,
  };
}

/** The version of a count is the number. */
export function rowOfCount(pk: string): RowDraft {
  return { pk, kind: "count", version: 1, schema: 1, data: "{}" };
}

/** Rounded down: nothing is shown longer than it was meant to be. */
function seconds(at: EpochMs): number {
  return Math.floor(at / 1_000);
}
