// The store's contract, part one: create, get and replace under versions, heartbeats, size, text, expiry, changes.
import { expect, test } from "vitest";
import { jobId, poolName, tenantId } from "../../shared/domain/ids.ts";
import { newPool, reserve } from "../../shared/domain/pool/pool.ts";
import type { StoreBench } from "./store-bench.ts";
import { aJob, aTenant, aWorker, nextOf, START, workerId } from "./store-nouns.ts";

const HISTORY_MS = 30 * 24 * 3_600_000;

export function writeCases(bench: () => StoreBench): void {
  test("a noun comes back as it was created, and only once", async () => {
    const { stores } = bench();
    const job = aJob("gh-1", { priority: 7, phases: { queued: START, starting: START + 5 } });
    expect(await stores.jobs.get(job.id)).toBeUndefined();
    expect(await stores.jobs.create(job)).toBe(true);
    expect(await stores.jobs.get(job.id)).toEqual(job);
    expect(await stores.jobs.create({ ...job, priority: 9 })).toBe(false);
    expect(await stores.jobs.get(job.id)).toEqual(job);
  });

  test("replace takes the next version only", async () => {
    const { stores } = bench();
    const first = newPool(poolName("a2"), 8);
    expect(await stores.pools.replace(nextOf(first))).toBe(false);
    await stores.pools.create(first);
    const second = nextOf(
      reserve(first, workerId("w-1"), { tenant: tenantId(1), cards: 2, slots: [0, 1] }, START),
    );
    expect(await stores.pools.replace(second)).toBe(true);
    expect(await stores.pools.get(first.name)).toEqual(second);
    expect(await stores.pools.replace(second)).toBe(false);
    expect(await stores.pools.replace(nextOf(nextOf(second)))).toBe(false);
    expect(await stores.pools.get(first.name)).toEqual(second);
  });

  test("of 32 racing replaces one wins, and its value stays", async () => {
    const { stores } = bench();
    const job = aJob("gh-1");
    await stores.jobs.create(job);
    const racers = Array.from({ length: 32 }, (_, racer) =>
      nextOf(job, { workerId: workerId(`w-${racer}`) }),
    );
    const won = await Promise.all(racers.map((racer) => stores.jobs.replace(racer)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await stores.jobs.get(job.id)).toEqual(racers[won.indexOf(true)]);
  });

  test("of 32 racing creates one wins, and its value stays", async () => {
    const { stores } = bench();
    const racers = Array.from({ length: 32 }, (_, racer) => aJob("gh-1", { priority: racer }));
    const won = await Promise.all(racers.map((racer) => stores.jobs.create(racer)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await stores.jobs.get(jobId("gh-1"))).toEqual(racers[won.indexOf(true)]);
  });

  test("the first deployment id stays, whoever asks", async () => {
    const { stores } = bench();
    const told = await Promise.all(
      ["aaaaaa", "bbbbbb", "cccccc"].map((id) => stores.deployment.deploymentId(id)),
    );
    expect(new Set(told).size).toBe(1);
    expect(await stores.deployment.deploymentId("dddddd")).toBe(told[0]);
  });

  test("a heartbeat moves heartbeat and due time, not the version", async () => {
    const { stores } = bench();
    const worker = aWorker("w-1", { state: "running" });
    await stores.workers.create(worker);
    expect(await stores.workers.heartbeat(worker.id, START + 30_000, START + 120_000)).toBe(true);
    const beaten = { ...worker, heartbeatAt: START + 30_000, dueAt: START + 120_000 };
    expect(await stores.workers.get(worker.id)).toEqual(beaten);
    expect(await stores.due.due(START + 119_999, 10)).toEqual([]);
    expect(await stores.due.due(START + 120_000, 10)).toEqual([
      { kind: "worker", id: worker.id, dueAt: START + 120_000 },
    ]);
    expect(await stores.workers.replace(nextOf(beaten, { state: "finished" }))).toBe(true);
    expect(await stores.workers.get(worker.id)).toEqual(nextOf(beaten, { state: "finished" }));
  });

  test("a heartbeat that comes after its worker's end does not put off its release", async () => {
    const { stores } = bench();
    const read = aWorker("w-1", { heartbeatAt: START });
    await stores.workers.create(read);
    expect(await stores.workers.replace(nextOf(read, { state: "finished", dueAt: START + 5_000 }))).toBe(
      true,
    );
    await stores.workers.heartbeat(read.id, START + 30_000, START + 120_000);
    const stored = await stores.workers.get(read.id);
    expect(stored).toMatchObject({ state: "finished", dueAt: START + 5_000 });
  });

  test("a heartbeat between read and replace is kept, and the replace decides the due time", async () => {
    const { stores } = bench();
    const read = aWorker("w-1", { heartbeatAt: START });
    await stores.workers.create(read);
    await stores.workers.heartbeat(read.id, START + 30_000, START + 120_000);
    expect(await stores.workers.replace(nextOf(read, { state: "lost", dueAt: START + 5_000 }))).toBe(true);
    const stored = await stores.workers.get(read.id);
    expect(stored).toMatchObject({ state: "lost", heartbeatAt: START + 30_000, dueAt: START + 5_000 });
  });

  test("nobody beats for a worker that is unknown or released", async () => {
    const { stores } = bench();
    const worker = aWorker("w-1");
    expect(await stores.workers.heartbeat(worker.id, START, START)).toBe(false);
    await stores.workers.create(worker);
    await stores.workers.replace(nextOf(worker, { state: "released" }));
    expect(await stores.workers.heartbeat(worker.id, START + 1, START + 2)).toBe(false);
    expect(await stores.workers.get(worker.id)).toEqual(nextOf(worker, { state: "released" }));
    expect(await stores.due.due(START + HISTORY_MS, 10)).toEqual([]);
  });

  test("an item over 300 kB is refused with its size and the limit, and nothing is stored", async () => {
    const { stores } = bench();
    const message = "x".repeat(310_000);
    const job = aJob("gh-1", { hold: { reason: "environment-gate", message, until: undefined } });
    await expect(stores.jobs.create(job)).rejects.toMatchObject({
      name: "StoreError",
      retryable: false,
      message: expect.stringMatching(/job#gh-1 is too big.*31\d{4} bytes.*300000/),
    });
    expect(await stores.jobs.get(job.id)).toBeUndefined();
    const big = aJob("gh-2", { hold: { ...job.hold!, message: "x".repeat(290_000) } });
    expect(await stores.jobs.create(big)).toBe(true);
    expect(await stores.jobs.get(big.id)).toEqual(big);
  });

  test("text of any kind comes back unchanged", async () => {
    const { stores } = bench();
    const text = `昇腾 🧮 'single' "double" \`back\` \\ \0 \n\u2028 '); DROP TABLE rows; -- \ud800`;
    const tenant = aTenant(1, { login: text });
    await stores.tenants.create(tenant);
    expect(await stores.tenants.get(tenant.id)).toEqual(tenant);
    expect(await stores.tenants.list()).toEqual([tenant]);
  });

  test("a terminal job is history for 30 days, then it is not there and its id is free", async () => {
    const { stores, clock } = bench();
    const job = aJob("gh-1");
    await stores.jobs.create(job);
    await stores.jobs.replace(nextOf(job, { state: "COMPLETED" }));
    clock.advance(HISTORY_MS - 1);
    expect(await stores.jobs.get(job.id)).toMatchObject({ state: "COMPLETED" });
    expect(await stores.jobs.create(job)).toBe(false);
    clock.advance(1);
    expect(await stores.jobs.get(job.id)).toBeUndefined();
    expect(await stores.jobs.create(job)).toBe(true);
    expect(await stores.jobs.get(job.id)).toEqual(job);
    clock.advance(HISTORY_MS);
    expect(await stores.jobs.get(job.id)).toEqual(job);
  });

  test("a released worker expires with its heartbeat: nothing of it is in a later row of that id", async () => {
    const { stores, clock } = bench();
    const worker = aWorker("w-1");
    await stores.workers.create(worker);
    await stores.workers.heartbeat(worker.id, START + 30_000, START + 60_000);
    await stores.workers.replace(nextOf(worker, { state: "released" }));
    clock.advance(HISTORY_MS);
    expect(await stores.workers.get(worker.id)).toBeUndefined();
    expect(await stores.workers.create(worker)).toBe(true);
    expect(await stores.workers.get(worker.id)).toEqual(worker);
  });

  test("each write of a job or worker that took place is told, heartbeats and lost races are not", async () => {
    const { stores, changes } = bench();
    const job = aJob("gh-1");
    const worker = aWorker("w-1");
    await stores.jobs.create(job);
    await stores.jobs.create(job);
    await stores.workers.create(worker);
    await stores.workers.heartbeat(worker.id, START, START);
    await stores.jobs.replace(nextOf(nextOf(job)));
    await stores.jobs.replace(nextOf(job));
    await stores.pools.create(newPool(job.pool, 8));
    expect(changes).toEqual([
      { kind: "job", job },
      { kind: "worker", worker },
      { kind: "job", job: nextOf(job) },
    ]);
  });
}
