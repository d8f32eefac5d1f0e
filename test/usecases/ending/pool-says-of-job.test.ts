// What a pool says of some jobs alone, as of one tenant's quota or an image's registry: others do not wait for it.
import { expect, test } from "vitest";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { apiJobOf, apiTemplate, submit } from "../../fakes/api-world.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

test("unavailable for one tenant's jobs: they wait with the pool's words and are not blamed, the others start", async () => {
  const world = createWorld({ cards: 1, tenants: [ACME, { ...ACME, owner: "Beta" }] });
  world.pool.unavailableFor(ACME.owner, "exceeded quota: acme", 15_000);
  const repository = { id: 99, owner: { id: 5000, login: "Beta", type: "Organization" as const }, name: "r" };
  const short = world.github.queue().workflowJobId;
  await world.deliver();
  const others = [1, 2, 3].map((n) => world.github.queue({ repository, name: `b${n}` }).workflowJobId);
  await world.deliver();
  expect(await jobOf(world, short)).toMatchObject({
    failedStarts: 0,
    hold: { reason: "start-backoff", message: "exceeded quota: acme", until: world.now() + 15_000 },
  });
  expect((await poolOf(world))?.unavailableUntil).toBeUndefined();
  expect((await explainJob(world.deps, await jobOf(world, short), ACME.owner)).whyWaiting).toMatchObject({
    code: "start-backoff",
    message: expect.stringContaining("Exceeded quota: acme"),
  });
  await play(world, { forMs: 10 * MINUTE_MS });
  for (const id of others) expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect(world.pool.started).toHaveLength(3);
  world.pool.heal();
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, short)).state).toBe("COMPLETED");
});

test("an API job waits likewise, and has not failed however often", async () => {
  const world = createWorld({ templates: [apiTemplate("runner")] });
  world.pool.unavailableFor(ACME.owner, "toomanyrequests", MINUTE_MS);
  const id = await submit(world);
  await play(world, { forMs: 10 * MINUTE_MS });
  expect(await apiJobOf(world, id)).toMatchObject({
    state: "IN_QUEUE",
    failedStarts: 0,
    hold: { reason: "start-backoff", message: "toomanyrequests" },
  });
  expect((await apiJobOf(world, id)).starts).toBeGreaterThan(5);
});
