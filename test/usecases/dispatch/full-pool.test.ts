// A pool that has no room where its count says that it has: a quota of its cluster, for all or for one tenant; and one
// that is away.
import { expect, test } from "vitest";
import type { StartOutcome } from "../../../shared/ports/pool-driver.ts";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const SECOND_MS = 1_000;
const FULL = {
  type: "unavailable",
  message: "exceeded quota",
  retryAfterMs: 600 * SECOND_MS,
  full: true,
  madeNothing: true,
} as const;

/** It takes two workers at a time, whatever its cards. */
function withRoomForTwo(world: World, answer: StartOutcome): { refused: number } {
  const { start } = world.pool;
  const counts = { refused: 0 };
  world.pool.start = async (spec) => {
    if (world.pool.running().length < 2) return start(spec);
    counts.refused++;
    return answer;
  };
  return counts;
}

test.each([
  ["of all", FULL],
  ["of one tenant", { ...FULL, of: "tenant" as const }],
])("a quota %s: a worker that goes makes room at once, whatever the pause", async (_name, answer) => {
  const world = createWorld({ cards: 8, script: { jobMs: SECOND_MS } });
  const counts = withRoomForTwo(world, answer);
  for (let n = 0; n < 12; n++) world.github.queue();
  const from = world.clock.now();
  expect(await play(world, { forMs: 200 * 60 * SECOND_MS, stepMs: 100, until: isQuiet })).toBe(true);
  expect(world.log.of("worker-released")).toHaveLength(12);
  expect(counts.refused).toBeGreaterThan(0);
  // Six rounds of a worker's life of 1.7 s, and no pause between them; on the Kubernetes stand-in, whose pods are removed
  // 1.2 s after their containers, it is 15.3 s.
  expect(world.clock.now() - from).toBeLessThan(12 * SECOND_MS);
});

test("a quota of one tenant holds up no other, and is the reason that its jobs give", async () => {
  const world = createWorld({ cards: 8 });
  const { workflowJobId: id } = world.github.queue();
  world.pool.start = async () => ({ ...FULL, of: "tenant" });
  await world.deliver();
  const job = await jobOf(world, id);
  expect(job.hold).toBeUndefined();
  expect((await explainJob(world.deps, job, "Acme")).whyWaiting).toMatchObject({
    code: "pool-unavailable",
    message: expect.stringContaining("exceeded quota"),
  });
  const pool = await poolOf(world);
  expect(pool?.unavailableUntil).toBeUndefined();
  expect(Object.keys(pool?.awayFor ?? {})).toEqual([String(job.tenant)]);
});

test("starts that made nothing hold no cards while their pool is away, and its words stay the reason", async () => {
  const world = createWorld({ cards: 2 });
  const ids = [1, 2, 3].map(() => world.github.queue().workflowJobId);
  world.pool.start = async () => ({
    type: "unavailable",
    message: "the API server could not be reached",
    retryAfterMs: undefined,
    madeNothing: true,
  });
  world.pool.stop = async () => Promise.reject(new Error("the API server could not be reached"));
  await play(world, { forMs: 120 * SECOND_MS });
  expect((await poolOf(world))?.reservations).toEqual({});
  for (const id of ids) {
    const { whyWaiting } = await explainJob(world.deps, await jobOf(world, id), "Acme");
    expect(whyWaiting).toMatchObject({
      code: "pool-unavailable",
      message: expect.stringContaining("could not be reached"),
    });
  }
  expect(world.pool.stops).toEqual([]);
});
