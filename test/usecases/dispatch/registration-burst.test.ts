// 2,000 jobs of one owner in a minute: GitHub's 1,500 registrations in 5 minutes hold in every window, and all start.
import { expect, test } from "vitest";
import { poolName, type WorkerId } from "../../../shared/domain/ids.ts";
import type { Deps, PoolSettings } from "../../../shared/usecases/deps.ts";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import { aTemplate, POOL, TENANT } from "../../domain/builders.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const STEP_MS = 20_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WINDOW_MS = 5 * MINUTE_MS;
/** They share the owner's registrations. */
const POOLS = Array.from({ length: 8 }, (_, n) => poolName(`pool-${n}`));

type Play = {
  readonly world: World;
  readonly deps: Deps;
  /** When each worker asks for its registration. */
  readonly asks: Map<WorkerId, number>;
  readonly registeredAt: number[];
};

async function start(jobs: number): Promise<Play> {
  const templates = POOLS.map((pool) =>
    aTemplate({ name: pool, selector: pool, labels: [], cards: 1, counts: [], pool }),
  );
  const world = createWorld({ templates, cards: jobs, namedCards: false, stream: "lost" });
  const settings = world.deps.pools.get(POOL) as PoolSettings;
  const deps = { ...world.deps, pools: new Map(POOLS.map((name) => [name, { ...settings, name }])) };
  for (const pool of POOLS) await world.stores.lanes.register({ pool, tenant: TENANT, login: "Acme" });
  return { world, deps, asks: new Map(), registeredAt: [] };
}

/** The jobs arrive within a minute; a pass comes by every minute, as the reconciler's does. */
async function burst(jobs: number, bootMs: number): Promise<Play> {
  const play = await start(jobs);
  const { world, deps, registeredAt } = play;
  const begin = world.now();
  while (registeredAt.length < jobs && world.now() - begin < HOUR_MS) {
    await arrive(world, Math.min(jobs - world.github.jobs.size, Math.ceil(jobs / 3)));
    if ((world.now() - begin) % MINUTE_MS === 0) {
      await Promise.all(POOLS.map((pool) => dispatchPool(deps, pool)));
    }
    await step(play, bootMs);
    world.clock.advance(STEP_MS);
  }
  return play;
}

async function step(play: Play, bootMs: number): Promise<void> {
  const { world, asks } = play;
  for (const { workerId } of world.pool.started) {
    if (!asks.has(workerId)) asks.set(workerId, world.now() + bootMs);
  }
  for (const [id, at] of asks) if (at <= world.now()) await register(play, id);
}

async function arrive(world: World, jobs: number): Promise<void> {
  for (let n = 0; n < jobs; n++) world.github.queue({ labels: [POOLS[n % POOLS.length]!] });
  await world.deliver();
}

async function register({ world, deps, asks, registeredAt }: Play, id: WorkerId): Promise<void> {
  await takeJob(deps, id, "boot");
  const outcome = await registerRunner(deps, id, "boot", "jit");
  if (outcome.type === "registered") registeredAt.push(world.now());
  asks.set(id, outcome.type === "later" ? world.now() + outcome.retryAfterMs : Number.POSITIVE_INFINITY);
}

/** The most registrations that any window of five minutes has had. */
function busiest(registeredAt: readonly number[]): number {
  const ends = [...new Set(registeredAt)];
  const sums = ends.map((end) => registeredAt.filter((at) => at <= end && at > end - WINDOW_MS).length);
  return Math.max(...sums);
}

test.each([
  ["register soon after their start", { jobs: 2_000, bootMs: STEP_MS, within: 8 * MINUTE_MS }],
  [
    "pull their image for minutes, and ask late",
    { jobs: 1_600, bootMs: 4 * MINUTE_MS, within: 12 * MINUTE_MS },
  ],
])("workers that %s", async (_what, { jobs, bootMs, within }) => {
  const { world, registeredAt } = await burst(jobs, bootMs);
  expect(registeredAt).toHaveLength(jobs);
  expect(busiest(registeredAt)).toBe(1_500);
  expect(world.github.runners.size).toBe(jobs);
  // The last ones start in the next span, not in the one after it.
  expect(registeredAt.at(-1)! - registeredAt[0]!).toBeLessThanOrEqual(within);
  expect(world.faults).toEqual([]);
});
