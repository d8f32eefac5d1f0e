// The faulty stores that use-case tests rely on: they must fail as said, by their seed, and stop when told.
import { expect, test } from "vitest";
import { StoreError } from "../../../shared/ports/store.ts";
import { aJob, LANE, nextOf, START } from "../../contract/store-nouns.ts";
import { createFlakyStores, type FaultRates } from "../../fakes/stores/flaky-stores.ts";
import { createMemoryStores } from "../../fakes/stores/memory-stores.ts";

const JOB = aJob("gh-1");

function flaky(rates: FaultRates, seed = 1) {
  const real = createMemoryStores({ clock: { now: () => START } });
  return { real, ...createFlakyStores(real, { seed, ...rates }) };
}

test("without rates they are the stores themselves", async () => {
  const { stores, count } = flaky({});
  expect(await stores.jobs.create(JOB)).toBe(true);
  expect(await stores.jobs.replace(nextOf(JOB))).toBe(true);
  expect(await stores.jobs.get(JOB.id)).toEqual(nextOf(JOB));
  expect(count()).toBe(0);
});

test("a throw before leaves nothing, a throw after leaves the write", async () => {
  const before = flaky({ throwBefore: 1 });
  await expect(before.stores.jobs.create(JOB)).rejects.toBeInstanceOf(StoreError);
  expect(await before.real.jobs.get(JOB.id)).toBeUndefined();
  const later = flaky({ throwAfter: 1 });
  await expect(later.stores.jobs.create(JOB)).rejects.toMatchObject({ retryable: true });
  expect(await later.real.jobs.get(JOB.id)).toEqual(JOB);
  expect(await later.stores.jobs.get(JOB.id)).toEqual(JOB);
});

test("a lost race is a real one: the version has moved, and the next try wins", async () => {
  const { stores, calm } = flaky({ loseRace: 1 });
  await stores.jobs.create(JOB);
  expect(await stores.jobs.replace(nextOf(JOB, { starts: 1 }))).toBe(false);
  const stored = await stores.jobs.get(JOB.id);
  expect(stored).toEqual(nextOf(JOB));
  calm();
  expect(await stores.jobs.replace(nextOf(stored!, { starts: 1 }))).toBe(true);
});

test("a stale listing is what it was the time before", async () => {
  const { stores } = flaky({ stale: 1 });
  expect(await stores.jobs.heads(LANE, 9)).toEqual([]);
  await stores.jobs.create(JOB);
  expect(await stores.jobs.heads(LANE, 9)).toEqual([]);
  expect((await stores.jobs.heads(LANE, 9)).map(({ id }) => id)).toEqual(["gh-1"]);
});

test("the same seed fails at the same calls, another one at others, and calm ones at none", async () => {
  const outcomes = async (seed: number) => {
    const { stores, calm, count } = flaky({ throwBefore: 0.3, throwAfter: 0.2, loseRace: 0.2 }, seed);
    const seen: string[] = [];
    for (let n = 0; n < 60; n++) {
      if (n === 50) calm();
      seen.push(await stores.jobs.create(aJob(`gh-${n}`)).then(String, (error: Error) => error.message));
    }
    expect(seen.slice(50)).toEqual(Array(10).fill("true"));
    expect(count()).toBe(seen.filter((outcome) => outcome !== "true").length);
    return seen;
  };
  expect(await outcomes(7)).toEqual(await outcomes(7));
  expect(await outcomes(7)).not.toEqual(await outcomes(8));
  expect(new Set(await outcomes(7)).size).toBe(3);
});
