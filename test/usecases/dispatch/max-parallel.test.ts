// A matrix of ten with max-parallel 2: GitHub queues all ten at once and gives out two at a time.
import { describe, expect, test } from "vitest";
import type { Job } from "../../../shared/domain/job/job.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import type { PlayOptions } from "../../fakes/play.ts";
import { isQuiet, jobOf, jobsOf, play, poolOf } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;
const STEP_MS = 10_000;
const MAX_PARALLEL = 2;

/** GitHub's side of `max-parallel`. */
function assignTwo(world: World): void {
  for (const name of world.github.runners.keys()) {
    const running = [...world.github.jobs.values()].filter((word) => word.status === "in_progress").length;
    if (running < MAX_PARALLEL) world.github.assign(name);
  }
}

type Outcome = {
  readonly quiet: boolean;
  readonly workers: number;
  readonly cardMinutes: number;
  readonly minutes: number;
  readonly idleAtOnce: number;
};

async function runMatrix(
  name: (index: number) => string,
  options: WorldOptions & { readonly jobs?: number; readonly around?: Partial<PlayOptions> } = {},
): Promise<Outcome & { readonly world: World }> {
  const world = createWorld({ seed: 5, script: { jobMs: 30 * 60_000 }, ...options });
  for (let index = 0; index < (options.jobs ?? 10); index++) world.github.queue({ name: name(index) });
  const from = world.now();
  let cardMs = 0;
  let idleAtOnce = 0;
  const quiet = await play(world, {
    forMs: 12 * HOUR_MS,
    stepMs: STEP_MS,
    assign: assignTwo,
    until: isQuiet,
    ...options.around,
    async eachStep(current) {
      const pool = await poolOf(current);
      cardMs += STEP_MS * (pool === undefined ? 0 : usedCards(pool));
      const live = current.workers.filter(({ stage }) => stage === "listening").length;
      // The first wave all listen: what comes after it is what probes.
      if (current.now() - from > 10 * 60_000) idleAtOnce = Math.max(idleAtOnce, live);
      await options.around?.eachStep?.(current);
    },
  });
  const minutes = (world.now() - from) / 60_000;
  return { quiet, workers: world.workers.length, cardMinutes: cardMs / 60_000, minutes, idleAtOnce, world };
}

const matrix = (index: number) => `test (${index})`;
/** Names of its own: nothing tells that these belong together, so each is tried by itself. */
const apart = (index: number) => `test-${index}`;

describe("10 jobs of 30 min, 2 at a time, on 8 cards", () => {
  test("one worker at a time probes, and the cards are held for little more than the work", async () => {
    const grouped = await runMatrix(matrix);
    const single = await runMatrix(apart);
    // Measured: 27 workers and 425 card minutes; each by itself 62 and 655; with a back-off of a minute at most, 84 and
    // 796.
    expect([grouped.quiet, single.quiet]).toEqual([true, true]);
    expect(grouped.world.faults).toEqual([]);
    const workMinutes = 300;
    expect(grouped.cardMinutes).toBeLessThan(workMinutes * 1.5);
    expect(grouped.cardMinutes).toBeLessThan(single.cardMinutes * 0.75);
    expect(grouped.workers).toBeLessThan(single.workers / 2);
    expect(grouped.idleAtOnce).toBeLessThanOrEqual(MAX_PARALLEL);
    // Two lanes of five jobs, and between two jobs a worker's start at most.
    expect(grouped.minutes).toBeLessThan(5 * 30 + 5 * 3);
  });

  test("with every change lost the holds end by time: all complete", async () => {
    const { quiet, world } = await runMatrix(matrix, { stream: "lost" });
    expect(quiet).toBe(true);
    expect((await jobsOf(world)).map((job) => job?.state)).toEqual(Array(10).fill("COMPLETED"));
  });

  test.each(["twice-reversed", "side-by-side", "volatile"] as const)(
    "all complete, changes %s",
    async (stream) => {
      const { quiet, cardMinutes } = await runMatrix(matrix, { stream });
      expect(quiet).toBe(true);
      expect(cardMinutes).toBeLessThan(300 * 1.7);
    },
  );

  test("no crash of the dispatcher in the middle loses one", async () => {
    let crashes = 0;
    const { quiet, world } = await runMatrix(matrix, {
      stream: "volatile",
      around: {
        eachStep(current) {
          if (current.now() % (7 * 60_000) >= STEP_MS) return;
          crashes++;
          current.fuse.arm(current.fuse.count + 1 + (crashes % 11), crashes % 2 === 0 ? "before" : "after");
        },
      },
    });
    expect(quiet).toBe(true);
    expect(crashes).toBeGreaterThan(10);
    expect((await jobsOf(world)).every((job) => job?.state === "COMPLETED")).toBe(true);
  });
});

test("jobs that never had a worker of their own are held back too", async () => {
  const world = createWorld({ cards: 4, script: { jobMs: HOUR_MS } });
  const words = Array.from({ length: 6 }, (_, index) => world.github.queue({ name: matrix(index) }));
  await play(world, { forMs: 12 * 60_000, assign: assignTwo });
  const jobs = await Promise.all(words.map(({ workflowJobId }) => jobOf(world, workflowJobId)));
  expect(jobs.slice(0, 2).map(({ state }) => state)).toEqual(["IN_PROGRESS", "IN_PROGRESS"]);
  const holds = jobs.slice(2).map((job: Job) => job.hold?.reason);
  expect(holds).toContain("awaits-probe");
  expect(holds.filter((reason) => reason === undefined).length).toBeLessThanOrEqual(1);
});

test("a cancelled run lets nobody in, and leaves nothing behind", async () => {
  const world = createWorld({ seed: 3, script: { jobMs: 5 * HOUR_MS } });
  const words = Array.from({ length: 10 }, (_, index) => world.github.queue({ name: matrix(index) }));
  await play(world, { forMs: 12 * 60_000, assign: assignTwo });
  const before = world.workers.length;
  for (const { workflowJobId } of words) world.github.complete(workflowJobId, "cancelled");
  expect(await play(world, { forMs: HOUR_MS, assign: () => {}, until: isQuiet })).toBe(true);
  expect(world.workers.length - before).toBeLessThanOrEqual(1);
});
