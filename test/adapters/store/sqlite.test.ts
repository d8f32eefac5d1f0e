// What only the embedded store promises: its file, its lock, its survival, its listener and its query plans.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../../shared/adapters/sqlite/database.ts";
import { createSqliteRows } from "../../../shared/adapters/sqlite/sqlite-rows.ts";
import { createSqliteStores } from "../../../shared/adapters/sqlite/sqlite-stores.ts";
import { STATEMENTS } from "../../../shared/adapters/sqlite/statements.ts";
import { createStores } from "../../../shared/adapters/store/stores.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import { aJob, LANE, START } from "../../contract/store-nouns.ts";

const WRITER = fileURLToPath(new URL("../../fakes/sqlite-writer/main.ts", import.meta.url));
const clock = { now: () => START };

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "npu-dispatch-sqlite-"));
  file = join(folder, "data", "dispatch.db");
});
afterEach(() => rm(folder, { recursive: true }));

test("what was written is there after a close and another open", async () => {
  const first = createSqliteStores({ file, clock });
  await first.jobs.create(aJob("gh-1"));
  first.close();
  const second = createSqliteStores({ file, clock });
  expect(await second.jobs.get(jobId("gh-1"))).toEqual(aJob("gh-1"));
  second.close();
});

test("its folder and file are for the owner only", async () => {
  createSqliteStores({ file, clock }).close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
});

test("each commit is synced to the disk", () => {
  const database = openDatabase(file);
  expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  database.close();
});

test("a second dispatcher on the same file is refused with a sentence, and the first one goes on", async () => {
  const first = createSqliteStores({ file, clock });
  expect(() => openDatabase(file, 50)).toThrow(
    /dispatch\.db is in use by another dispatcher.*its own folder/,
  );
  expect(await first.jobs.create(aJob("gh-1"))).toBe(true);
  first.close();
  openDatabase(file, 50).close();
});

test("a file of a newer program is refused and left as it is", () => {
  const database = openDatabase(file);
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => openDatabase(file)).toThrow(/newer version of npu-dispatch \(schema 99\)/);
  expect(() => openDatabase(file)).toThrow(/schema 99/);
});

test("a folder that cannot be made is said so", () => {
  expect(() => openDatabase("/dev/null/data/dispatch.db")).toThrow(/Cannot open \/dev\/null.*folder/);
});

test("no acknowledged write is lost when the process is killed, and the lock dies with it", async () => {
  for (const minimum of [1, 40, 200]) {
    const child = spawn(process.execPath, [WRITER, file], { stdio: ["ignore", "pipe", "inherit"] });
    const acknowledged = await readUntilKilled(child, minimum);
    const stores = createSqliteStores({ file, clock });
    expect(acknowledged.length).toBeGreaterThanOrEqual(minimum);
    for (const id of acknowledged) expect(await stores.jobs.get(jobId(id))).toBeDefined();
    expect((await stores.jobs.heads(LANE, 1_000_000)).length).toBeGreaterThanOrEqual(acknowledged.length);
    stores.close();
    await rm(join(folder, "data"), { recursive: true });
  }
});

test("while another process writes, its file cannot be opened", async () => {
  const child = spawn(process.execPath, [WRITER, file], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    expect(() => openDatabase(file, 50)).toThrow(/in use by another dispatcher/);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

test("each listing and each write finds its rows by an index, among 10,000", async () => {
  const database = openDatabase(file);
  const rows = createSqliteRows(database, clock);
  const stores = createStores(rows, { clock });
  database.exec("BEGIN");
  for (let n = 0; n < 10_000; n++) await stores.jobs.create(aJob(`gh-${n}`, { queuedAt: START + n }));
  database.exec("COMMIT");
  const plans = Object.entries(STATEMENTS).map(([name, sql]) => [name, planOf(sql)]);
  database.close();
  expect(Object.fromEntries(plans)).toEqual({
    get: "SEARCH rows USING INDEX sqlite_autoindex_rows_1 (pk=?)",
    create: "",
    replace: "SEARCH rows USING INDEX sqlite_autoindex_rows_1 (pk=?)",
    touch: "SEARCH rows USING INDEX sqlite_autoindex_rows_1 (pk=?)",
    bump: "",
    queryLane: "SEARCH rows USING COVERING INDEX lane_index (lane_pk=?)",
    queryDue: "SEARCH rows USING COVERING INDEX due_index (due_at<?)",
    querySet: "SEARCH rows USING INDEX set_index (set_pk=?)",
    querySetKeys: "SEARCH rows USING COVERING INDEX set_index (set_pk=?)",
    purge: expect.stringContaining("expiry_index (expires_at<?)"),
  });

  function planOf(sql: string): string {
    const names = [...new Set(sql.match(/:[a-zA-Z]+/g) ?? [])].map((name) => name.slice(1));
    const steps = database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(Object.fromEntries(names.map((name) => [name, null])));
    return steps.map(({ detail }) => String(detail)).join("; ");
  }
});

test("rows that have expired are deleted in an hour, some with each write", async () => {
  let now = START;
  const database = openDatabase(file);
  const stores = createStores(createSqliteRows(database, { now: () => now }), { clock: { now: () => now } });
  for (let n = 0; n < 250; n++) await stores.jobs.create(aJob(`gh-old-${n}`, { state: "COMPLETED" }));
  now += 31 * 24 * 3_600_000;
  const left: unknown[] = [];
  for (const id of ["gh-1", "gh-2", "gh-3"]) {
    await stores.jobs.create(aJob(id));
    left.push(database.prepare("SELECT pk FROM rows").all().length);
  }
  expect(left).toEqual([151, 52, 3]);
  database.close();
});

test("a listener hears of a write when it is durable, and its error is reported, not the write's", async () => {
  const heard: unknown[] = [];
  const stores = createSqliteStores({
    file,
    clock,
    onChange: (change) => {
      heard.push(change);
      throw new Error("listener broke");
    },
    onChangeError: (error, change) => heard.push((error as Error).message, change),
  });
  const change = { kind: "job", job: aJob("gh-1") };
  expect(await stores.jobs.create(aJob("gh-1"))).toBe(true);
  expect(heard).toEqual([change, "listener broke", change]);
  expect(await stores.jobs.get(jobId("gh-1"))).toEqual(aJob("gh-1"));
  stores.close();
});

test("a statement on a closed file is a StoreError with its cause", async () => {
  const stores = createSqliteStores({ file, clock });
  stores.close();
  await expect(stores.jobs.get(jobId("gh-1"))).rejects.toMatchObject({
    name: "StoreError",
    retryable: false,
    message: expect.stringContaining('SQLite could not run "get"'),
    cause: expect.any(Error),
  });
});

/** Kills the writer once it has said `minimum` ids; answers all that it said whole. */
async function readUntilKilled(
  child: ChildProcessByStdio<null, Readable, null>,
  minimum: number,
): Promise<string[]> {
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.split("\n").length > minimum) child.kill("SIGKILL");
  });
  await once(child, "close");
  expect(child.signalCode).toBe("SIGKILL");
  return said.split("\n").slice(0, -1);
}
