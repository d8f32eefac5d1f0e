// What a case of the store's contract works with.
import { createApiStores } from "../../shared/adapters/store/api-stores.ts";
import type { Rows } from "../../shared/adapters/store/rows.ts";
import { createStores } from "../../shared/adapters/store/stores.ts";
import type { ApiStores } from "../../shared/ports/api-store.ts";
import type { Change, Stores } from "../../shared/ports/store.ts";
import { START } from "./store-nouns.ts";

export type OpenedRows = { readonly rows: Rows; close(): Promise<void> };

/** What a case of the suite works with; new for each test. */
export type StoreBench = {
  readonly rows: Rows;
  readonly stores: Stores;
  readonly api: ApiStores;
  /** Stores over the same rows with something between. */
  through(wrap: (rows: Rows) => Partial<Rows>): Stores;
  readonly clock: { now(): number; advance(ms: number): void };
  /** What was told by `stores`, in order. */
  readonly changes: readonly Change[];
};

export function createBench(rows: Rows, clock: StoreBench["clock"]): StoreBench {
  const changes: Change[] = [];
  return {
    rows,
    clock,
    changes,
    stores: createStores(rows, { clock, onChange: (change) => changes.push(change) }),
    api: createApiStores(rows, { clock }),
    through: (wrap) => createStores({ ...rows, ...wrap(rows) }, { clock }),
  };
}

export function createManualClock(): StoreBench["clock"] {
  let at = START;
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
    },
  };
}
