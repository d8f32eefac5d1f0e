// The embedded store of the single-process server: one file, durable, for one dispatcher.
import type { ApiStores } from "../../ports/api-store.ts";
import type { Stores } from "../../ports/store.ts";
import { createApiStores } from "../store/api-stores.ts";
import { createStores, type StoreDeps } from "../store/stores.ts";
import { openDatabase } from "./database.ts";
import { createSqliteRows } from "./sqlite-rows.ts";

/** Those of one body, 200 kB each, which are a transaction of their own: others' writes come between. */
const PARTS_AT_ONCE = 4;

export type SqliteStores = Stores & { readonly api: ApiStores; close(): void };

/**
 * Opens `file`, by convention `dispatch.db` in the data folder, and makes both when missing. The folder must be on a
 * local disk: network file systems do not keep the lock. Throws StoreError when another dispatcher has it open.
 */
export function createSqliteStores(deps: StoreDeps & { readonly file: string }): SqliteStores {
  const database = openDatabase(deps.file);
  const rows = createSqliteRows(database, deps.clock);
  return {
    ...createStores(rows, deps),
    api: createApiStores(rows, { ...deps, writesAtOnce: PARTS_AT_ONCE }),
    close() {
      rows.flush();
      database.close();
    },
  };
}
