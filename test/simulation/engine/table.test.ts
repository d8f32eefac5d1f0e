// The simulator's table keeps the store's contract as far as use cases can tell: versions, indexes, heartbeats, marks.
import { beforeEach, describe, expect, test } from "vitest";
import type { Change } from "../../../shared/ports/store.ts";
import { aJob, aPool, aWorker, aWorkerId, POOL, T0, TENANT } from "../../domain/builders.ts";
import type { Table } from "./table.ts";
import { createTable } from "./table.ts";

const LANE = { pool: POOL, tenant: TENANT };

let now = T0;
let table: Table;
let changes: Change[];

beforeEach(() => {
  now = T0;
  changes = [];
  const nothing = () => {};
  const told = { onJob: nothing, onWorker: nothing, onPool: nothing, onMark: nothing };
  table = createTable({ now: () => now, ...told, onChange: (change) => changes.push(change) });
});

describe("a noun", () => {
  test("is created once and replaced by its next version only", () => {
    const job = aJob();
    expect(table.jobs.create(job)).toBe(true);
    expect(table.jobs.create(job)).toBe(false);
    expect(table.jobs.replace({ ...job, version: 3 })).toBe(false);
    expect(table.jobs.replace({ ...job, version: 2, priority: 5 })).toBe(true);
    expect(table.jobs.replace({ ...job, version: 2, priority: 6 })).toBe(false);
    expect(table.jobs.get(job.id)?.priority).toBe(5);
    expect(changes).toHaveLength(2);
  });

  test("that was overtaken refuses the slower writer", () => {
    const pool = aPool();
    table.pools.create(pool);
    table.pools.overtake(pool);
    expect(table.pools.replace({ ...pool, version: 2 })).toBe(false);
    expect(table.pools.get(POOL)?.version).toBe(2);
  });
});

describe("indexes", () => {
  test("a lane lists waiting jobs in its order", () => {
    const [late, early] = [
      aJob({ queuedAt: T0 + 2 }),
      aJob({ id: aJob().id.replace("6", "7") as never, queuedAt: T0 }),
    ];
    table.jobs.create(late);
    table.jobs.create(early);
    expect(table.jobs.heads(LANE, 9).map(({ id }) => id)).toEqual([early.id, late.id]);
    expect(table.jobs.heads(LANE, 1)).toHaveLength(1);
    table.jobs.replace({ ...early, version: 2, workerId: aWorker().id });
    expect(table.jobs.heads(LANE, 9).map(({ id }) => id)).toEqual([late.id]);
  });

  test("what is due comes oldest first, and no more once it is not", () => {
    const worker = aWorker({ dueAt: T0 + 10 });
    table.workers.create(worker);
    table.jobs.create(aJob({ admitAt: T0 + 5 }));
    expect(table.due.due(T0 + 4, 9)).toEqual([]);
    expect(table.due.due(T0 + 10, 9).map(({ kind }) => kind)).toEqual(["job", "worker"]);
    table.workers.replace({ ...worker, version: 2, state: "released" });
    expect(table.due.due(T0 + 10, 9).map(({ kind }) => kind)).toEqual(["job"]);
  });

  test("live workers are those that are not released", () => {
    const [first, second] = [aWorker(), aWorker({ id: aWorkerId("npud-t3st00-worker0002") })];
    table.workers.create(first);
    table.workers.create(second);
    table.workers.replace({ ...first, version: 2, state: "released" });
    expect(table.workers.live(POOL).map(({ id }) => id)).toEqual([second.id]);
  });
});

test("a heartbeat moves no version, is kept by a write, and is refused by a released worker", () => {
  const worker = aWorker();
  table.workers.create(worker);
  expect(table.workers.heartbeat(worker.id, T0 + 30, T0 + 130)).toBe(true);
  expect(table.workers.get(worker.id)).toMatchObject({ version: 1, heartbeatAt: T0 + 30, dueAt: T0 + 130 });
  table.workers.replace({ ...worker, version: 2, state: "booted", heartbeatAt: T0 + 10 });
  expect(table.workers.get(worker.id)?.heartbeatAt).toBe(T0 + 30);
  table.workers.replace({ ...worker, version: 3, state: "released" });
  expect(table.workers.heartbeat(worker.id, T0 + 60, T0 + 160)).toBe(false);
  expect(changes).toHaveLength(3);
});

test("a mark is written under its version, and may be made anew once it has expired", () => {
  const value = { after: undefined, roundAt: T0 };
  expect(table.marks.put("cursor", "one", { version: 1, value, expiresAt: T0 + 5 })).toBe(true);
  expect(table.marks.put("cursor", "one", { version: 1, value })).toBe(false);
  expect(table.marks.put("cursor", "one", { version: 2, value, expiresAt: T0 + 5 })).toBe(true);
  now += 5;
  expect(table.marks.get("cursor", "one")).toBeUndefined();
  expect(table.marks.put("cursor", "one", { version: 1, value })).toBe(true);
});
