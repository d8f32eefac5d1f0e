// A pool that is away: from its first count on, its waiting jobs name it, and since when.
import { expect, test } from "vitest";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

async function whyOf(world: World, id: number) {
  return (await explainJob(world.deps, await jobOf(world, id), "Acme")).whyWaiting;
}

const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

test("away before it was ever counted: its jobs say so, and start once it is back", async () => {
  const world = createWorld({ cards: 2 });
  const from = world.now();
  world.pool.disconnect();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  const words = `takes no work at the moment (since ${at(from)}): the fake pool cannot be reached`;
  for (let n = 0; n < 5; n++) {
    const why = await whyOf(world, id);
    expect(why).toMatchObject({
      code: "pool-unavailable",
      since: from,
      message: expect.stringContaining(words),
    });
    world.clock.advance(2 * SECOND_MS);
    await world.reconcile();
  }
  expect((await poolOf(world))?.total).toBe(0);
  world.faults.length = 0;
  world.pool.heal();
  expect(await play(world, { forMs: 60 * MINUTE_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
});

test("away after a restart: its record says how many cards it has, and its jobs that it is away", async () => {
  const world = createWorld({ cards: 1 });
  world.github.queue();
  await world.deliver();
  const { workflowJobId: second } = world.github.queue();
  await world.deliver();
  expect((await whyOf(world, second))?.code).toBe("no-free-cards");
  world.pool.disconnect();
  const from = world.now();
  await world.reconcile();
  expect(await whyOf(world, second)).toMatchObject({ code: "pool-unavailable", since: from });
  expect((await poolOf(world))?.total).toBe(1);
});

test("starts that find it away again and again are one outage", async () => {
  const world = createWorld({ cards: 2 });
  const from = world.now();
  world.pool.unavailable("no Docker engine answers", 5 * SECOND_MS);
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  for (let n = 0; n < 20; n++) {
    world.clock.advance(2 * SECOND_MS);
    await world.reconcile();
    expect(await whyOf(world, id)).toMatchObject({ code: "pool-unavailable", since: from });
  }
});
