// The store's contract, part two: what the listings hold, in which order, and how they end.
import { expect, test } from "vitest";
import { laneRowKey, laneSet } from "../../shared/adapters/store/keys.ts";
import { jobId, poolName, tenantId } from "../../shared/domain/ids.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import { aGithubSide } from "../domain/builders.ts";
import type { StoreBench } from "./store-bench.ts";
import {
  aJob,
  aNearMiss,
  aTenant,
  aWorker,
  LANE,
  nextOf,
  POOL,
  START,
  TENANT,
  workerId,
} from "./store-nouns.ts";

export function listingCases(bench: () => StoreBench): void {
  async function heads(limit = 100): Promise<string[]> {
    return (await bench().stores.jobs.heads(LANE, limit)).map(({ id }) => id);
  }

  test("a lane lists higher priority first, then older, then by id, with cards", async () => {
    const { stores } = bench();
    for (const job of [
      aJob("gh-4", { queuedAt: START + 2 }),
      aJob("gh-3", { queuedAt: START + 1, cards: 4 }),
      aJob("gh-2", { queuedAt: START + 1 }),
      aJob("gh-5", { queuedAt: START + 9, priority: 10 }),
      aJob("gh-6", { tenant: tenantId(1) }),
      aJob("gh-7", { pool: poolName("other") }),
    ]) {
      await stores.jobs.create(job);
    }
    expect(await heads()).toEqual(["gh-5", "gh-2", "gh-3", "gh-4"]);
    const all = await stores.jobs.heads(LANE, 100);
    expect(all.map(({ cards }) => cards)).toEqual([1, 1, 4, 1]);
    for (const [place, head] of all.slice(1).entries()) expect(head.order > all[place]!.order).toBe(true);
    expect(await heads(2)).toEqual(["gh-5", "gh-2"]);
    expect(await heads(0)).toEqual([]);
  });

  test("a job is in its lane only while it waits for a card and nothing else", async () => {
    const { stores } = bench();
    let job = aJob("gh-1");
    await stores.jobs.create(job);
    const hold = { reason: "start-failed", message: "", until: undefined } as const;
    const steps: [Partial<Job>, string[]][] = [
      [{ workerId: workerId("w-1") }, []],
      [{ workerId: undefined }, ["gh-1"]],
      [{ hold }, []],
      [{ hold: undefined }, ["gh-1"]],
      [{ state: "CANCELLED" }, []],
    ];
    expect(await heads()).toEqual(["gh-1"]);
    for (const [change, listed] of steps) {
      job = nextOf(job, change);
      expect(await stores.jobs.replace(job)).toBe(true);
      expect(await heads()).toEqual(listed);
    }
  });

  test("a workflow job is unpaired while it is open, in no lane, and no runner of its own is known to be at work on it", async () => {
    const { stores } = bench();
    const github = (name: string) => aGithubSide({ runner: { id: 1, name } });
    let job = aJob("gh-1", { github: aGithubSide() });
    await stores.jobs.create(job);
    await stores.jobs.create(aJob("gh-2", { workerId: workerId("w-2"), tenant: tenantId(1) }));
    const hold = { reason: "start-failed", message: "", until: undefined } as const;
    const steps: [Partial<Job>, string[]][] = [
      [{ hold }, ["gh-1"]],
      [{ hold: undefined }, []],
      [{ workerId: workerId("w-1") }, ["gh-1"]],
      [{ state: "IN_PROGRESS", github: github("w-1") }, []],
      [{ github: github("w-2") }, ["gh-1"]],
      [{ workerId: workerId("w-2"), verifyAt: START }, ["gh-1"]],
      [{ verifyAt: undefined }, []],
      [{ state: "COMPLETED", workerId: workerId("w-1") }, []],
    ];
    const unpaired = () => stores.jobs.unpaired({ ...LANE, endpoint: job.endpoint }, 9);
    expect(await unpaired()).toEqual([]);
    for (const [change, listed] of steps) {
      job = nextOf(job, change);
      expect(await stores.jobs.replace(job)).toBe(true);
      expect(await unpaired()).toEqual(listed);
      expect(await heads()).toEqual(job.workerId === undefined && job.hold === undefined ? ["gh-1"] : []);
    }
  });

  test("a long lane is listed whole, and up to a limit", async () => {
    const { stores } = bench();
    const ids = Array.from({ length: 130 }, (_, place) => `gh-${1_000 + place}`);
    await Promise.all(ids.map((id, place) => stores.jobs.create(aJob(id, { queuedAt: START + place }))));
    expect(await heads(1_000)).toEqual(ids);
    expect(await heads(101)).toEqual(ids.slice(0, 101));
    expect(await heads(1)).toEqual(ids.slice(0, 1));
  });

  test("a listing of more than DynamoDB's page of 1 MB is whole", async () => {
    const { stores } = bench();
    const login = "x".repeat(280_000);
    const tenants = [1, 2, 3, 4, 5].map((id) => aTenant(id, { login }));
    await Promise.all(tenants.map((tenant) => stores.tenants.create(tenant)));
    expect((await stores.tenants.list()).map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("due items come oldest first over jobs and workers, up to now and the limit", async () => {
    const { stores } = bench();
    // 60 ids fall into all of DynamoDB's 16 shards but for a chance of 1 in 3.
    const times = Array.from({ length: 60 }, (_, place) => START + ((place * 37) % 60) * 1_000);
    await Promise.all(
      times.map((dueAt, place) =>
        place % 2 === 0
          ? stores.jobs.create(aJob(`gh-${place}`, { verifyAt: dueAt }))
          : stores.workers.create(aWorker(`w-${place}`, { dueAt })),
      ),
    );
    const sorted = times.toSorted((a, b) => a - b);
    const all = await stores.due.due(START + 60_000, 1_000);
    expect(all.map(({ dueAt }) => dueAt)).toEqual(sorted);
    expect(all.filter(({ kind }) => kind === "job").every(({ id }) => id.startsWith("gh-"))).toBe(true);
    expect(all.filter(({ kind }) => kind === "worker")).toHaveLength(30);
    const some = await stores.due.due(START + 20_000, 1_000);
    expect(some.map(({ dueAt }) => dueAt)).toEqual(sorted.slice(0, 21));
    const few = await stores.due.due(START + 60_000, 7);
    expect(few.map(({ dueAt }) => dueAt)).toEqual(sorted.slice(0, 7));
  });

  test("what is not due any more leaves the due index", async () => {
    const { stores } = bench();
    const job = aJob("gh-1", { verifyAt: START });
    const worker = aWorker("w-1", { dueAt: START });
    await stores.jobs.create(job);
    await stores.workers.create(worker);
    expect(await stores.due.due(START, 10)).toHaveLength(2);
    await stores.jobs.replace(nextOf(job, { verifyAt: undefined }));
    await stores.workers.replace(nextOf(worker, { dueAt: undefined }));
    expect(await stores.due.due(START + 1e9, 10)).toEqual([]);
  });

  test("live workers are those of the pool that are not released", async () => {
    const { stores } = bench();
    const gone = aWorker("w-3");
    for (const worker of [aWorker("w-1"), aWorker("w-2", { state: "lost" }), gone]) {
      await stores.workers.create(worker);
    }
    await stores.workers.create(aWorker("w-4", { pool: poolName("other") }));
    await stores.workers.replace(nextOf(gone, { state: "released" }));
    const live = await stores.workers.live(POOL);
    expect(live.map(({ id }) => id)).toEqual(["w-1", "w-2"]);
    expect(await stores.workers.liveIds(POOL)).toEqual(["w-1", "w-2"]);
    expect(live[1]).toEqual(await stores.workers.get(workerId("w-2")));
  });

  test("a lane is registered once and follows its owner's login", async () => {
    const { stores } = bench();
    const lane = { ...LANE, login: "octo-org" };
    await Promise.all([lane, lane, lane].map((same) => stores.lanes.register(same)));
    await stores.lanes.register({ pool: poolName("other"), tenant: TENANT, login: "octo-org" });
    expect(await stores.lanes.list(POOL)).toEqual([lane]);
    await stores.lanes.register({ ...lane, login: "octo-renamed" });
    expect(await stores.lanes.list(POOL)).toEqual([{ ...lane, login: "octo-renamed" }]);
  });

  test("a lane that no job comes to is forgotten; one that jobs come to stays, for a write a day", async () => {
    const { stores, clock, rows } = bench();
    const [idle, busy] = [
      { ...LANE, login: "octo-org" },
      { ...LANE, tenant: tenantId(2), login: "hexa-org" },
    ];
    await stores.lanes.register(idle);
    for (let day = 0; day < 31; day++) {
      for (const _job of [1, 2]) await stores.lanes.register(busy);
      clock.advance(24 * 3_600_000);
    }
    expect(await stores.lanes.list(POOL)).toEqual([busy]);
    expect(
      (await rows.querySet(laneSet(POOL))).find((row) => row.pk === laneRowKey(busy))?.version,
    ).toBeLessThan(32);
    await stores.lanes.register(idle);
    expect(await stores.lanes.list(POOL)).toHaveLength(2);
  });

  test("tenants are listed as they are now", async () => {
    const { stores } = bench();
    await stores.tenants.create(aTenant(2));
    await stores.tenants.create(aTenant(1, { state: "pending" }));
    await stores.tenants.replace(nextOf(aTenant(2), { state: "suspended" }));
    const listed = await stores.tenants.list();
    expect(listed.map(({ id, state }) => [id, state])).toEqual([
      ["1", "pending"],
      ["2", "suspended"],
    ]);
  });

  test("racing near misses of one label set all count, whatever the order and case of the labels", async () => {
    const { stores } = bench();
    const spellings = [
      ["npu", "ARM64"],
      ["arm64", "NPU"],
      ["arm64", "npu", "npu"],
    ];
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => stores.nearMisses.count(aNearMiss({ labels: spellings[n % 3]! }))),
    );
    const [only, ...others] = await stores.nearMisses.list(aNearMiss().tenant, 10);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ count: 40, login: "octo-org" });
  });

  test("a tenant's near misses are listed newest first, up to a limit, and forgotten after 30 days", async () => {
    const { stores, clock } = bench();
    const miss = (label: string, lastAt: number) => aNearMiss({ labels: [label], lastAt });
    // Newer, but another tenant's: they crowd out nobody else's.
    for (const label of "defgh")
      await stores.nearMisses.count({ ...miss(label, START + 1e6), tenant: tenantId(99) });
    for (const [label, at] of [
      ["b", 2],
      ["c", 3],
      ["a", 1],
    ] as const) {
      await stores.nearMisses.count(miss(label, START + at * 60_000));
    }
    await stores.nearMisses.count(miss("a", START + 4 * 60_000));
    const listed = await stores.nearMisses.list(aNearMiss().tenant, 10);
    expect(listed.map(({ labels, count }) => [labels[0], count])).toEqual([
      ["a", 2],
      ["c", 1],
      ["b", 1],
    ]);
    expect(listed[0]?.lastAt).toBe(START + 4 * 60_000);
    expect(await stores.nearMisses.list(aNearMiss().tenant, 2)).toHaveLength(2);
    clock.advance(30 * 24 * 3_600_000 + 3 * 60_000);
    expect((await stores.nearMisses.list(aNearMiss().tenant, 10)).map(({ labels }) => labels[0])).toEqual([
      "a",
    ]);
  });

  test("an id with a number sign in it comes back whole", async () => {
    const { stores } = bench();
    await stores.jobs.create(aJob("gh#1#2", { verifyAt: START }));
    expect(await heads()).toEqual(["gh#1#2"]);
    expect(await stores.due.due(START, 1)).toEqual([{ kind: "job", id: jobId("gh#1#2"), dueAt: START }]);
  });
}
