// An embedded store whose file may not grow: SQLite's own SQLITE_FULL, by PRAGMA max_page_count.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know node:sqlite, a part of Node 24
import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../../shared/adapters/sqlite/database.ts";
import { createSqliteRows } from "../../../shared/adapters/sqlite/sqlite-rows.ts";
import type { Row } from "../../../shared/adapters/store/rows.ts";
import { StoreError } from "../../../shared/ports/store.ts";
import { START } from "../../contract/store-nouns.ts";

const clock = { now: () => START };
let folder: string;
let database: DatabaseSync;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "npu-dispatch-full-"));
  database = openDatabase(join(folder, "dispatch.db"));
});
afterEach(async () => {
  database.close();
  await rm(folder, { recursive: true });
});

function row(pk: string, bytes = 3_000): Row {
  return {
    pk,
    kind: "job",
    version: 0,
    writeId: pk,
    schema: 1,
    data: JSON.stringify({ text: "x".repeat(bytes) }),
  };
}

/** By so many pages beyond those that it has. */
function limitTo(pages: number): void {
  const { page_count: present } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.exec(`PRAGMA max_page_count = ${present + pages}`);
}

test("each write that finds no room says so, what was written stays, and room that is back is used", async () => {
  const rows = createSqliteRows(database, clock);
  const put = (pk: string, bytes?: number) => rows.put(row(pk, bytes), { absentAt: START });
  expect(await put("job#before")).toBe(true);
  limitTo(8);
  // Many at once: one transaction, which the full disk ends.
  const names = Array.from({ length: 40 }, (_, n) => `job#${n}`);
  const outcomes = await Promise.allSettled(names.map((name) => put(name)));
  const written = names.filter((_, n) => outcomes[n]?.status === "fulfilled");
  const faults = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  expect(written.length).toBeGreaterThan(0);
  expect(faults.length).toBeGreaterThan(20);
  for (const fault of faults) {
    expect(fault).toBeInstanceOf(StoreError);
    expect(fault).toMatchObject({ retryable: true, message: /disk is full\. Check the disk's free space/ });
  }
  // A large body has a transaction of its own.
  await expect(put("job#large", 200_000)).rejects.toThrow(/disk is full/);
  for (const name of ["job#before", ...written]) expect((await rows.get(name))?.pk).toBe(name);
  limitTo(1_000);
  const refused = names.filter((name) => !written.includes(name));
  expect(await Promise.all(refused.map((name) => put(name)))).toEqual(refused.map(() => true));
  expect(await put("job#large", 200_000)).toBe(true);
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
});
