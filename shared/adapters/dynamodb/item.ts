// Rows to DynamoDB items and back. Rows are flat, so strings and numbers are all of AttributeValue that is needed.
import { StoreError } from "../../ports/store.ts";
import type { Row } from "../store/rows.ts";

type AttributeValue = { readonly S?: string | undefined; readonly N?: string | undefined };
export type Item = { readonly [attribute: string]: AttributeValue };

/** Spreads due rows over this many partitions of the due index; a partition takes 1,000 writes a second. */
export const DUE_SHARDS = 16;

/** What only DynamoDB stores beside a row's own fields. */
type Attributes = { [Key in keyof Row]?: Row[Key] | undefined } & {
  readonly dueShard?: string | undefined;
  readonly quiet?: number | undefined;
};

export function toItem(row: Row): Item {
  return marshal({ ...row, ...dueAttributes(row.pk, row.dueAt) });
}

/** Attributes without a value are left out. */
export function marshal(values: Readonly<Record<string, string | number | undefined>>): Item {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "number" ? { N: String(value) } : { S: value }]),
  );
}

export function toRow(item: Item): Row {
  const { dueShard: _shard, quiet: _quiet, ...values } = unmarshal(item);
  if (values.pk === undefined || values.version === undefined || values.data === undefined) {
    throw new StoreError(
      `An item of the table is not ours: ${values.pk ?? "it has no key"}. Give npu-dispatch a table of its own.`,
      { retryable: false },
    );
  }
  return values as Row;
}

export function unmarshal(item: Item): Attributes {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, value.N === undefined ? value.S : Number(value.N)]),
  );
}

/** Empty for a row that is not due, so that it stays out of the index. */
export function dueAttributes(pk: string, dueAt: number | undefined): { dueShard?: string; dueAt?: number } {
  return dueAt === undefined ? {} : { dueShard: dueShardOf(pk), dueAt };
}

export function dueShardName(shard: number): string {
  return `due#${String(shard).padStart(2, "0")}`;
}

/** FNV-1a: even over ids that differ in their last characters only. */
function dueShardOf(pk: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(pk)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return dueShardName(hash % DUE_SHARDS);
}
