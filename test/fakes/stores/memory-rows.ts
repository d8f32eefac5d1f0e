// Rows in a Map: the smallest thing that keeps the contract, for fast tests of use cases.
import {
  type DueEntry,
  isExpired,
  type LaneEntry,
  type Row,
  type Rows,
  type SetEntry,
  type SetKey,
  type WriteCondition,
} from "../../../shared/adapters/store/rows.ts";

export type MemoryRows = Rows & {
  /** The row is gone, as after a restore from an older backup. */
  lose(pk: string): void;
};

export function createMemoryRows(): MemoryRows {
  const table = new Map<string, Row>();
  return {
    lose: (pk) => void table.delete(pk),
    get: async (pk) => table.get(pk),
    async put(row, condition) {
      const stored = table.get(row.pk);
      if (!holds(stored, condition)) return false;
      table.set(row.pk, "version" in condition ? { ...row, heartbeatAt: stored?.heartbeatAt } : row);
      return true;
    },
    async touch(pk, beat) {
      const stored = table.get(pk);
      if (stored?.setPk === undefined) return false;
      table.set(pk, { ...stored, ...beat });
      return true;
    },
    async bump(row) {
      const stored = table.get(row.pk);
      if (stored?.writeId === row.writeId) return;
      table.set(row.pk, { ...row, version: (stored?.version ?? 0) + 1 });
    },
    queryLane: async (lanePk, limit) => {
      const entries = [...table.values()].filter((row) => row.lanePk === lanePk);
      return sorted(entries as LaneEntry[], (entry) => entry.laneSk).slice(0, limit);
    },
    queryDue: async (until, limit) => {
      const entries = [...table.values()].filter((row) => row.dueAt !== undefined && row.dueAt <= until);
      return sorted(entries as DueEntry[], (entry) => entry.dueAt).slice(0, limit);
    },
    querySet: async (setPk, limit) => {
      const entries = [...table.values()].filter((row) => row.setPk === setPk);
      return sorted<SetEntry & { setSk?: string | undefined }>(entries, (entry) => entry.setSk ?? "").slice(
        0,
        limit,
      );
    },
    querySetKeys: async (setPk, limit) => {
      const entries = [...table.values()].filter((row) => row.setPk === setPk);
      return sorted(entries as SetKey[], (entry) => entry.setSk).slice(0, limit);
    },
  };
}

function holds(stored: Row | undefined, condition: WriteCondition): boolean {
  if ("version" in condition) return stored?.version === condition.version;
  return stored === undefined || isExpired(stored, condition.absentAt);
}

function sorted<Entry>(entries: Entry[], keyOf: (entry: Entry) => string | number): Entry[] {
  return entries.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}
