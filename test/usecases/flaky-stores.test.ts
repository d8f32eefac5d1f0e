// The store fails at random: writes refused, answers lost, races lost, listings stale. Then it is well, and all ends right.
import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreError } from "../../shared/ports/store.ts";
import { isQuiet, jobsOf, play } from "../fakes/play.ts";
import { seededRandom } from "../fakes/seeded-random.ts";
import type { FlakyStores } from "../fakes/stores/flaky-stores.ts";
import { createFlakyStores } from "../fakes/stores/flaky-stores.ts";
import type { World } from "../fakes/world.ts";
import { createWorld } from "../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const RATES = fc.constantFrom(
  { throwBefore: 0.05 },
  { throwAfter: 0.05 },
  { loseRace: 0.2, stale: 0.5 },
  { throwBefore: 0.02, throwAfter: 0.02, loseRace: 0.1, stale: 0.3 },
);
const STREAM = fc.constantFrom("in-order" as const, "twice-reversed" as const, "side-by-side" as const);

test("five jobs on three cards, any of the faults for half an hour", async () => {
  let faults = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), RATES, STREAM, async (seed, rates, stream) => {
      const { world, flaky } = flakyWorld(seed, rates, stream);
      for (let n = 0; n < 5; n++) world.github.queue();
      const assign = anyRunner(seededRandom(seed).fraction);
      // Deliveries without an answer are asked for again.
      world.post = (words) => [...world.unanswered.splice(0), ...words];
      await play(world, { forMs: 30 * MINUTE_MS, assign });
      faults += flaky.count();
      flaky.calm();
      expect(await play(world, { forMs: 4 * HOUR_MS, until: isQuiet, assign })).toBe(true);
      expect((await jobsOf(world)).every((job) => job?.state === "COMPLETED")).toBe(true);
      expect(world.pool.overbooked).toEqual([]);
      expect(world.faults.flatMap(causes).filter((fault) => !(fault instanceof StoreError))).toEqual([]);
    }),
    { numRuns: 60 },
  );
  expect(faults).toBeGreaterThan(100);
});

function flakyWorld(seed: number, rates: object, stream: World["stream"]) {
  const flakies: FlakyStores[] = [];
  const world = createWorld({
    seed,
    stream,
    cards: 3,
    wrapStores: (stores) => {
      const flaky = createFlakyStores(stores, { ...rates, seed });
      flakies.push(flaky);
      return flaky.stores;
    },
  });
  return { world, flaky: flakies[0]! };
}

function anyRunner(fraction: () => number): (world: World) => void {
  return ({ github }) => {
    const queued = [...github.jobs.values()].filter((word) => word.status === "queued");
    for (const name of github.runners.keys()) {
      const wanted = queued[Math.floor(fraction() * queued.length)];
      if (wanted !== undefined) github.assign(name, wanted.workflowJobId);
    }
  };
}

function causes(fault: unknown): unknown[] {
  return fault instanceof AggregateError ? fault.errors.flatMap(causes) : [fault];
}
