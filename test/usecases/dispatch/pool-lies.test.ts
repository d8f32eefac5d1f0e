// A pool that says it has more, fewer or no cards: its word is advice, jobs wait with the true reason, and all end.
import { describe, expect, test } from "vitest";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A cluster of 3 cards that places containers itself. */
function cluster(): World {
  return createWorld({ cards: 3, namedCards: false, script: { jobMs: 10 * MINUTE_MS } });
}

async function whyOf(world: World, id: number) {
  return (await explainJob(world.deps, await jobOf(world, id), "Acme")).whyWaiting;
}

async function allComplete(world: World, ids: readonly number[]): Promise<void> {
  expect(await play(world, { forMs: 6 * HOUR_MS, until: isQuiet })).toBe(true);
  for (const id of ids) expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect(world.pool.started).toHaveLength(ids.length);
}

describe.each([
  ["more cards than there are", 8, "pool-unavailable", "the fake pool is full"],
  ["fewer", 1, "no-free-cards", "0 of 1 in pool"],
  ["none", 0, "pool-unavailable", "has none in service now"],
])("it says that it has %s", (_says, total, code, words) => {
  test("the rest waits, and is told why; none starts twice", async () => {
    const world = cluster();
    world.pool.lie(total);
    const ids = [1, 2, 3, 4, 5, 6].map(() => world.github.queue().workflowJobId);
    await world.deliver();
    expect(world.pool.running()).toHaveLength(Math.min(3, total));
    const why = await whyOf(world, ids[5]!);
    expect(why).toMatchObject({ code, message: expect.stringContaining(words) });
    await play(world, { forMs: 30 * MINUTE_MS });
    world.pool.heal();
    await allComplete(world, ids);
  });

  test("what it had told first is taken back without harm to running jobs", async () => {
    const world = cluster();
    const ids = [1, 2, 3, 4].map(() => world.github.queue().workflowJobId);
    await world.deliver();
    world.pool.lie(total);
    await play(world, { forMs: 5 * MINUTE_MS });
    const running = world.pool.running();
    expect(running).toHaveLength(3);
    expect(world.pool.stops.filter(({ workerId }) => running.includes(workerId))).toEqual([]);
    world.pool.heal();
    await allComplete(world, ids);
  });
});
