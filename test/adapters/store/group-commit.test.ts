// Writes that come together are committed together, and none suffers for another's failure.
// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know node:sqlite, a part of Node 24
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GroupCommit } from "../../../shared/adapters/sqlite/group-commit.ts";
import { createGroupCommit } from "../../../shared/adapters/sqlite/group-commit.ts";

class CountingDatabase extends DatabaseSync {
  readonly executed: string[] = [];
  override exec(sql: string): void {
    this.executed.push(sql);
    super.exec(sql);
  }
}

let database: CountingDatabase;
let commits: GroupCommit;
beforeEach(() => {
  database = new CountingDatabase(":memory:");
  database.exec("CREATE TABLE t (n INTEGER PRIMARY KEY CHECK (n < 1000))");
  database.executed.length = 0;
  commits = createGroupCommit(database);
});
afterEach(() => database.close());

const insert = (n: number, bytes = 1) =>
  commits.run(() => database.prepare("INSERT INTO t VALUES (?)").run(n).changes, bytes);
const rows = () => database.prepare("SELECT count(*) AS n FROM t").get()?.["n"];

test("a thousand writes of one turn are one transaction", async () => {
  const answers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => insert(n)));
  expect(answers.every((changes) => changes === 1)).toBe(true);
  expect(database.executed).toEqual(["BEGIN IMMEDIATE", "COMMIT"]);
  expect(rows()).toBe(1_000);
});

test("nothing is told before it is committed", async () => {
  let told = false;
  const write = insert(1).then(() => {
    told = true;
  });
  await Promise.resolve();
  expect([told, rows()]).toEqual([false, 0]);
  await write;
  expect([told, rows()]).toEqual([true, 1]);
});

test("one that fails fails alone: the others are written, once", async () => {
  const outcomes = await Promise.allSettled([insert(1), insert(5_000), insert(2), insert(1), insert(3)]);
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(rows()).toBe(3);
  expect(database.isTransaction).toBe(false);
});

test("what waits is committed when the store is closed", async () => {
  const write = insert(7);
  commits.flush();
  expect(rows()).toBe(1);
  await write;
});

describe("large ones", () => {
  const PART = 200_000;
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test("are written one per turn, so that what others wait for goes out in between", async () => {
    const parts = [insert(1, PART), insert(2, PART), insert(3, PART)];
    const seen: unknown[] = [];
    for (let turns = 0; turns < 3; turns++) {
      await turn();
      seen.push(rows());
    }
    expect(seen).toEqual([1, 2, 3]);
    await Promise.all(parts);
  });

  test("wait for the small ones of their turn, which are durable before", async () => {
    const order: string[] = [];
    const large = insert(1, PART).then(() => order.push("large"));
    const small = insert(2).then(() => order.push("small"));
    await Promise.all([large, small]);
    expect(order).toEqual(["small", "large"]);
  });

  test("are put into the table each megabyte, in a turn of its own", async () => {
    await Promise.all(Array.from({ length: 8 }, (_, n) => insert(n, PART)));
    await turn();
    expect(database.executed).toEqual(Array(2).fill("PRAGMA wal_checkpoint(PASSIVE)"));
  });

  test("are all committed when the store is closed, which leaves nothing to do after it", async () => {
    const parts = Array.from({ length: 5 }, (_, n) => insert(n, PART));
    commits.flush();
    expect(rows()).toBe(5);
    await Promise.all(parts);
  });
});
