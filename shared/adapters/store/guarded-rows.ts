// Rows with their doubts settled: reads skip what has expired, and a write whose answer was lost is found out about.
import type { EpochMs } from "../../domain/ids.ts";
import { StoreError } from "../../ports/store.ts";
import type { RowDraft } from "./row-codec.ts";
import { isExpired, type Row, type Rows, type WriteCondition } from "./rows.ts";

export type GuardedRows = {
  get(pk: string): Promise<Row | undefined>;
  /** False: there is such a row. */
  create(draft: RowDraft): Promise<boolean>;
  /** False: the stored version is not `draft.version - 1`. */
  replace(draft: RowDraft): Promise<boolean>;
};

/** The transports try each write 4 times; a store that can be read but takes no write is not waited for longer. */
const MAX_ROUNDS = 3;

export function guardRows(
  rows: Rows,
  deps: { readonly now: () => EpochMs; readonly newWriteId: () => string },
): GuardedRows {
  return {
    async get(pk) {
      const row = await rows.get(pk);
      return row === undefined || isExpired(row, deps.now()) ? undefined : row;
    },
    create: (draft) => settle(rows, stamp(draft), { absentAt: deps.now() }),
    replace: (draft) => settle(rows, stamp(draft), { version: draft.version - 1 }),
  };

  function stamp(draft: RowDraft): Row {
    return { ...draft, writeId: deps.newWriteId() };
  }
}

async function settle(rows: Rows, row: Row, condition: WriteCondition): Promise<boolean> {
  for (let round = 1; ; round++) {
    const answer = await attempt(rows, row, condition);
    if (answer === true) return true;
    const verdict = judge(await rows.get(row.pk), row, condition, answer === false);
    if (verdict === "applied") return true;
    if (verdict === "lost") return false;
    if (verdict === "unknown" || round === MAX_ROUNDS) {
      throw new StoreError(
        `Whether ${row.pk} was written as version ${row.version} cannot be told: the answer was lost. Try again.`,
        { retryable: true, cause: answer },
      );
    }
  }
}

/** The store's answer, or the fault that hides it. */
async function attempt(rows: Rows, row: Row, condition: WriteCondition): Promise<boolean | StoreError> {
  try {
    return await rows.put(row, condition);
  } catch (error) {
    if (error instanceof StoreError && error.retryable) return error;
    throw error;
  }
}

/**
 * What became of a write, by what is stored now. Each version of a row has one writer, so finding our version under
 * another's nonce proves that ours failed; a still later version proves nothing. `refused`: the store said that the
 * condition failed, which is only doubted when our own nonce is there (something on the way repeated the request).
 */
function judge(
  stored: Row | undefined,
  row: Row,
  condition: WriteCondition,
  refused: boolean,
): "applied" | "lost" | "open" | "unknown" {
  if (stored?.writeId === row.writeId) return "applied";
  if (refused) return "lost";
  if ("absentAt" in condition) {
    if (stored === undefined || isExpired(stored, condition.absentAt)) return "open";
  } else {
    if (stored === undefined) return "lost";
    if (stored.version === condition.version) return "open";
  }
  return stored.version <= row.version ? "lost" : "unknown";
}
