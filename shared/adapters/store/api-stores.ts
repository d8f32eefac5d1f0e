// The ports of the API plane's store over any Rows, beside those of stores.ts.
import { randomUUID } from "node:crypto";
import type { Payload } from "../../domain/job/payload.ts";
import type { ApiStores, ChunkStore, EndpointCounts } from "../../ports/api-store.ts";
import type { Clock } from "../../ports/clock.ts";
import { createApiKeyStore } from "./api-key-store.ts";
import { rowOfChunk, rowOfCount } from "./api-rows.ts";
import { guardRows } from "./guarded-rows.ts";
import { apiJobSet, chunkKey, countKey, jobIdOf, ownerOf } from "./keys.ts";
import { AT_ONCE, createPayloadStore } from "./payload-store.ts";
import { nounOf } from "./row-codec.ts";
import { isExpired, type Row, type Rows } from "./rows.ts";
import { createStoredBytes } from "./stored-bytes.ts";

export type ApiStoreDeps = {
  readonly clock: Clock;
  /** Unique for ever; a test may pass its own. */
  readonly newWriteId?: (() => string) | undefined;
  /** Parts of 200 kB that are written at a time; 16 unless given. */
  readonly writesAtOnce?: number | undefined;
};

export function createApiStores(
  rows: Rows,
  { clock, newWriteId = randomUUID, writesAtOnce = AT_ONCE }: ApiStoreDeps,
): ApiStores {
  const guarded = guardRows(rows, { now: () => clock.now(), newWriteId });
  const stored = createStoredBytes(rows, { clock, newWriteId });
  const payloads = createPayloadStore(rows, { clock, newWriteId, writesAtOnce, stored });
  return {
    payloads,
    stored,
    chunks: createChunkStore(),
    apiKeys: createApiKeyStore(rows, guarded),
    apiJobs: {
      open: async (endpoint, limit) =>
        (await rows.querySetKeys(apiJobSet(endpoint), limit)).map(({ pk, setSk }) => ({
          id: jobIdOf(pk),
          tenant: ownerOf(setSk),
        })),
    },
    counts: createCounts(),
  };

  function createChunkStore(): ChunkStore {
    return {
      async put(job, generation, number, json, expiresAt) {
        const key = chunkKey(job, generation, number);
        const payload = await payloads.putUncounted(key, json, expiresAt);
        await rows.bump({ ...rowOfChunk(key, payload, expiresAt), writeId: newWriteId() });
      },
      async list(job, generation, from, to) {
        const found: (string | undefined)[] = [];
        for (let at = from; at <= to; at += AT_ONCE) {
          const numbers = Array.from({ length: Math.min(AT_ONCE, to - at + 1) }, (_, index) => at + index);
          const keys = numbers.map((number) => chunkKey(job, generation, number));
          found.push(...(await Promise.all(keys.map(readChunk))));
        }
        return found.filter((json) => json !== undefined);
      },
    };
  }

  async function readChunk(key: string): Promise<string | undefined> {
    const row = await alive(key);
    return row === undefined ? undefined : payloads.get(nounOf<Payload>(row));
  }

  async function alive(pk: string): Promise<Row | undefined> {
    const row = await rows.get(pk);
    return row === undefined || isExpired(row, clock.now()) ? undefined : row;
  }

  /** Counted in place: the version of the row is the count, and 1,000 jobs may end at once. */
  function createCounts(): EndpointCounts {
    return {
      add: (endpoint, what) => rows.bump({ ...rowOfCount(countKey(endpoint, what)), writeId: newWriteId() }),
      async get(endpoint) {
        const count = async (what: "completed" | "failed" | "retried") =>
          (await rows.get(countKey(endpoint, what)))?.version ?? 0;
        const [completed, failed, retried] = await Promise.all([
          count("completed"),
          count("failed"),
          count("retried"),
        ]);
        return { completed, failed, retried };
      },
    };
  }
}
