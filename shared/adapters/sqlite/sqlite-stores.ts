// The embedded store of the single-process server: one file, durable, for one dispatcher.
import type { Stores } from "../../ports/store.ts";
import { createStores, type StoreDeps } from "../store/stores.ts";
import { openDatabase } from "./database.ts";
import { createSqliteRows } from "./sqlite-rows.ts";

export type SqliteStores = Stores & { close(): void };

/**
 * Opens `file`, by convention `dispatch.db` in the data folder, and makes both when missing. The folder must be on a
 * local disk: network file systems do not keep the lock. Throws StoreError when another dispatcher has it open.
 */
export function createSqliteStores(deps: StoreDeps & { readonly file: string }): SqliteStores {
  const database = openDatabase(deps.file);
  const stores = createStores(createSqliteRows(database, deps.clock), deps);
  return { ...stores, close: () => database.close() };
}
