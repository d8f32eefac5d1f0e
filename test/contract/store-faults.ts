// The store's contract, part three: lost answers, repeated requests and stale listings.
import { expect, test } from "vitest";
import type { Rows } from "../../shared/adapters/store/rows.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import { StoreError, type Stores } from "../../shared/ports/store.ts";
import type { StoreBench } from "./store-bench.ts";
import { aJob, aNearMiss, LANE, nextOf, workerId } from "./store-nouns.ts";

export function faultCases(bench: () => StoreBench): void {
  test("a write that was applied but not answered is known to be applied", async () => {
    const stores = bench().through(losingAnswers(1));
    const job = aJob("gh-1");
    expect(await stores.jobs.create(job)).toBe(true);
    expect(await bench().stores.jobs.get(job.id)).toEqual(job);
    const again = bench().through(losingAnswers(1));
    expect(await again.jobs.replace(nextOf(job, { starts: 1 }))).toBe(true);
    expect(await bench().stores.jobs.get(job.id)).toEqual(nextOf(job, { starts: 1 }));
  });

  test("a write that was neither applied nor answered is done again", async () => {
    const stores = bench().through(losingRequests(2));
    expect(await stores.jobs.create(aJob("gh-1"))).toBe(true);
    expect(await bench().stores.jobs.get(aJob("gh-1").id)).toEqual(aJob("gh-1"));
  });

  test("a request that something on the way repeated has not lost against itself", async () => {
    const stores = bench().through((rows) => ({
      put: async (row, condition) => {
        await rows.put(row, condition);
        return rows.put(row, condition);
      },
    }));
    const job = aJob("gh-1");
    expect(await stores.jobs.create(job)).toBe(true);
    expect(await stores.jobs.replace(nextOf(job))).toBe(true);
  });

  test("a race that was lost without an answer is known to be lost", async () => {
    const job = aJob("gh-1");
    await bench().stores.jobs.create(job);
    const stores = bench().through((rows) => ({
      put: async (row, condition) => {
        await bench().stores.jobs.replace(nextOf(job, { starts: 5 }));
        await rows.put(row, condition);
        throw lost();
      },
    }));
    expect(await stores.jobs.replace(nextOf(job, { starts: 1 }))).toBe(false);
    expect(await bench().stores.jobs.get(job.id)).toMatchObject({ starts: 5 });
  });

  test("a write that others have built upon before it was asked about is reported as unknown", async () => {
    const job = aJob("gh-1");
    await bench().stores.jobs.create(job);
    const ours = nextOf(job, { starts: 1 });
    const stores = bench().through((rows) => ({
      put: async (row, condition) => {
        await rows.put(row, condition);
        await bench().stores.jobs.replace(nextOf(ours, { starts: 2 }));
        throw lost();
      },
    }));
    await expect(stores.jobs.replace(ours)).rejects.toMatchObject({ name: "StoreError", retryable: true });
  });

  test("a store that takes no write for good gives a retryable error, not an answer", async () => {
    const stores = bench().through(losingRequests(Number.POSITIVE_INFINITY));
    await expect(stores.jobs.create(aJob("gh-1"))).rejects.toMatchObject({
      name: "StoreError",
      retryable: true,
    });
  });

  test("a fault that is no doubt passes through", async () => {
    const broken = new StoreError("broken", { retryable: false });
    const stores = bench().through(() => ({ put: () => Promise.reject(broken) }));
    await expect(stores.jobs.create(aJob("gh-1"))).rejects.toBe(broken);
  });

  test("a near miss that was counted twice in a row by one request counts once", async () => {
    const stores = bench().through((rows) => ({
      bump: async (row) => {
        await rows.bump(row);
        await rows.bump(row);
      },
    }));
    await stores.nearMisses.count(aNearMiss());
    await stores.nearMisses.count(aNearMiss());
    expect(await stores.nearMisses.list(aNearMiss().tenant, 1)).toMatchObject([{ count: 2 }]);
  });

  test("passes that read a stale lane claim no job twice", async () => {
    const ids = ["gh-1", "gh-2", "gh-3"];
    for (const id of ids) await bench().stores.jobs.create(aJob(id));
    const before = await bench().rows.queryLane(`${LANE.pool}#${LANE.tenant}`, 10);
    const stale = bench().through(() => ({ queryLane: async () => before }));
    const passes = await Promise.all(["w-a", "w-b", "w-c", "w-d"].map((worker) => claimAll(stale, worker)));
    expect(passes.flat().sort()).toEqual(ids);
    expect(await claimAll(stale, "w-late")).toEqual([]);
  });
}

/** What a dispatch pass does with a lane: read the head, and claim the job if it still waits. */
async function claimAll(stores: Stores, worker: string): Promise<string[]> {
  const claimed: string[] = [];
  for (const head of await stores.jobs.heads(LANE, 10)) {
    const job = await stores.jobs.get(head.id);
    if (job !== undefined && (await claim(stores, job, worker))) claimed.push(job.id);
  }
  return claimed;
}

async function claim(stores: Stores, job: Job, worker: string): Promise<boolean> {
  return job.workerId === undefined && stores.jobs.replace(nextOf(job, { workerId: workerId(worker) }));
}

function losingAnswers(times: number): (rows: Rows) => Partial<Rows> {
  let left = times;
  return (rows) => ({
    put: async (row, condition) => {
      const answer = await rows.put(row, condition);
      if (left-- > 0) throw lost();
      return answer;
    },
  });
}

function losingRequests(times: number): (rows: Rows) => Partial<Rows> {
  let left = times;
  return (rows) => ({
    put: async (row, condition) => {
      if (left-- > 0) throw lost();
      return rows.put(row, condition);
    },
  });
}

function lost(): StoreError {
  return new StoreError("no answer", { retryable: true });
}
