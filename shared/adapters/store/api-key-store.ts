// API keys as rows: found by their hash, listed for operators, and never deleted, so that a revoked one stays revoked.
import type { ApiKey, ApiKeyStore, Revocation } from "../../ports/api-store.ts";
import { StoreError } from "../../ports/store.ts";
import { rowOfApiKey } from "./api-rows.ts";
import type { GuardedRows } from "./guarded-rows.ts";
import { API_KEY_SET, apiKeyKey } from "./keys.ts";
import { nounOf } from "./row-codec.ts";
import type { Rows } from "./rows.ts";

/** A key has no other writers than operators. */
const MAX_RACES = 8;

export function createApiKeyStore(rows: Rows, guarded: GuardedRows): ApiKeyStore {
  return {
    async get(hash) {
      const row = await guarded.get(apiKeyKey(hash));
      return row === undefined ? undefined : nounOf<ApiKey>(row);
    },
    create: (key) => guarded.create(rowOfApiKey(key, 1)),
    list: async (limit) => (await rows.querySet(API_KEY_SET, limit)).map(nounOf<ApiKey>),
    async revoke(key, revocation) {
      for (let race = 0; race < MAX_RACES; race++) {
        const done = await revokeOnce(guarded, key, revocation);
        if (done !== undefined) return done;
      }
      throw new StoreError(`API key: other writers were first ${MAX_RACES} times in a row; try again`, {
        retryable: true,
      });
    },
  };
}

/** undefined: another writer was first. */
async function revokeOnce(
  guarded: GuardedRows,
  key: ApiKey,
  revoked: Revocation,
): Promise<ApiKey | undefined> {
  const row = await guarded.get(apiKeyKey(key.hash));
  const stored = row === undefined ? key : nounOf<ApiKey>(row);
  if (stored.revoked !== undefined) return stored;
  const next = { ...stored, revoked };
  const draft = rowOfApiKey(next, (row?.version ?? 0) + 1);
  const written = row === undefined ? await guarded.create(draft) : await guarded.replace(draft);
  return written ? next : undefined;
}
