// How much each tenant has stored, as small rows in a set of its own: what a payload is counted for lies in its sort key,
// so that a listing reads no data, and nobody's counter is written by all.
import type { StoredBytes } from "../../ports/api-store.ts";
import type { Clock } from "../../ports/clock.ts";
import { rowOfStored } from "./api-rows.ts";
import { storedSet } from "./keys.ts";
import type { Rows } from "./rows.ts";

/** A row of a part at least: so a listing of a quota of 1 GB has no more than 5,000 keys. */
const LEAST_BYTES = 200_000;
const MOST_LISTED = 20_000;

export function createStoredBytes(
  rows: Rows,
  deps: { readonly clock: Clock; readonly newWriteId: () => string },
): StoredBytes {
  return {
    note: (owner, key, bytes, expiresAt) =>
      rows.bump({
        ...rowOfStored(key, { owner, bytes: Math.max(bytes, LEAST_BYTES) }, expiresAt),
        writeId: deps.newWriteId(),
      }),
    forget: (key) =>
      rows.bump({ ...rowOfStored(key, undefined, deps.clock.now()), writeId: deps.newWriteId() }),
    async total(owner) {
      const now = deps.clock.now() / 1_000;
      const keys = await rows.querySetKeys(storedSet(owner), MOST_LISTED);
      let total = 0;
      for (const { setSk } of keys) {
        const [expiresAt, bytes] = setSk.split("#");
        if (Number(expiresAt) > now) total += Number(bytes);
      }
      return total;
    },
  };
}
