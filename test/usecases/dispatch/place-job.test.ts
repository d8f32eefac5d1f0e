// dispatch.yaml was changed while jobs waited: no worker is made for a job as it was, and none stands in others' way.
import { expect, test } from "vitest";
import type { EndpointTemplate } from "../../../shared/domain/admission/endpoint.ts";
import { poolName } from "../../../shared/domain/ids.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import type { PoolSettings } from "../../../shared/usecases/deps.ts";
import { aCatalogue, aTemplate } from "../../domain/builders.ts";
import { createFakePool } from "../../fakes/fake-pool.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;
const B = poolName("b");
const BETA = { ...ACME, owner: "Beta" };
const ITS = { id: 99, owner: { id: 5000, login: "Beta", type: "Organization" as const }, name: "r" };
const ONE = { name: "one", selector: "one", labels: [], cards: 1, counts: [] };

/** Jobs that came while the pool took no work, under the endpoint as it was then. */
async function waiting(jobs: number, tenants = [ACME, BETA]): Promise<{ world: World; ids: number[] }> {
  const world = createWorld({ cards: 2, tenants, templates: [aTemplate(ONE)] });
  world.pool.unavailable("away", 60_000);
  const made = Array.from({ length: jobs }, (_, at) =>
    world.github.queue({ labels: ["one"], createdAt: world.now() + at }),
  );
  await world.deliver();
  world.pool.heal();
  return { world, ids: made.map((word) => word.workflowJobId) };
}

/** The dispatcher was started again with these. */
function configure(world: World, ...templates: EndpointTemplate[]): void {
  Object.assign(world.deps.catalogue, aCatalogue(templates));
}

async function allComplete(world: World, ids: readonly number[]): Promise<void> {
  expect(await play(world, { forMs: 24 * HOUR_MS, until: isQuiet })).toBe(true);
  for (const id of ids) expect((await jobOf(world, id)).state).toBe("COMPLETED");
}

test("its endpoint moved: it starts in the pool where its worker is, on a card of that pool", async () => {
  const { world, ids } = await waiting(2);
  const other = createFakePool({ cards: 1, clock: world.clock });
  const pools = world.deps.pools as Map<typeof B, PoolSettings>;
  pools.set(B, { name: B, driver: other, maxWorkers: undefined });
  configure(world, aTemplate({ ...ONE, pool: B }));
  world.clock.advance(61_000);
  for (let pass = 0; pass < 3; pass++) await world.reconcile();
  expect(world.pool.started).toEqual([]);
  expect(other.started).toHaveLength(1);
  expect(other.overbooked).toEqual([]);
  expect(usedCards((await world.stores.pools.get(B))!)).toBe(1);
  expect(usedCards((await poolOf(world))!)).toBe(0);
  expect((await jobOf(world, ids[1]!)).pool).toBe(B);
});

test("its endpoint has more cards now: it waits for as many", async () => {
  const { world, ids } = await waiting(2);
  configure(world, aTemplate({ ...ONE, cards: 2 }));
  world.clock.advance(61_000);
  await world.reconcile();
  expect(world.pool.started.map(({ cards, slots }) => [cards, slots])).toEqual([[2, [0, 1]]]);
  await allComplete(world, ids);
  expect(world.pool.overbooked).toEqual([]);
});

test("its endpoint is gone: it is held and says so, others pass, and it goes on when the endpoint is back", async () => {
  const { world, ids } = await waiting(60);
  configure(world, aTemplate({ ...ONE, name: "new", selector: "new" }));
  const beta = world.github.queue({ labels: ["new"], repository: ITS, createdAt: world.now() + 1_000 });
  await world.deliver();
  world.clock.advance(61_000);
  for (let pass = 0; pass < 2; pass++) await world.reconcile();
  expect(world.pool.started).toHaveLength(1);
  expect((await jobOf(world, beta.workflowJobId)).workerId).toBeDefined();
  const { whyWaiting } = await explainJob(world.deps, await jobOf(world, ids[0]!), "Acme");
  expect(whyWaiting).toMatchObject({
    code: "endpoint-removed",
    message: 'No endpoint "one" is in dispatch.yaml any more. Put it back, or cancel the job.',
  });
  configure(world, aTemplate(ONE), aTemplate({ ...ONE, name: "new", selector: "new" }));
  await allComplete(world, ids.slice(0, 4));
});
