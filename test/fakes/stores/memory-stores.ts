// Stores in memory for use-case tests: the real store code over rows in a Map. Nothing is kept between two calls of this.
import { createStores, type StoreDeps } from "../../../shared/adapters/store/stores.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { createMemoryRows } from "./memory-rows.ts";

export function createMemoryStores(deps: StoreDeps): Stores {
  return createStores(createMemoryRows(), deps);
}
