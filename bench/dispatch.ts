// What a start costs the dispatcher, whatever the queue's length: passes over 50 lanes on the embedded store.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteStores, type SqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock, systemPause } from "../shared/adapters/system/clock.ts";
import { systemRandom } from "../shared/adapters/system/random.ts";
import { DEFAULT_TENANT_SETTINGS } from "../shared/domain/admission/tenant.ts";
import type { PoolName } from "../shared/domain/ids.ts";
import { githubJobId, tenantId } from "../shared/domain/ids.ts";
import { newPool } from "../shared/domain/pool/pool.ts";
import type { PoolDriver } from "../shared/ports/pool-driver.ts";
import type { Deps } from "../shared/usecases/deps.ts";
import { dispatchPool } from "../shared/usecases/dispatch/dispatch-pool.ts";
import { registerLane } from "../shared/usecases/dispatch/open-lanes.ts";
import { aCatalogue, aGithubSide, aJob, POOL } from "../test/domain/builders.ts";
import { createFakeGithub } from "../test/fakes/fake-github.ts";
import { createFakeSeal } from "../test/fakes/fake-seal.ts";

const QUEUES = [100, 10_000, 100_000];
const LANES = 50;
/** One full round of a pass. */
const STARTS_PER_PASS = 64;
const PASSES = 25;
const WARM_UP_PASSES = 5;
const FIRST_ID = 200_000_000_000;

/**
 * `msPerStart`: CPU of a pass by its 64 starts, median of 25, with so many jobs queued; the queues take turns, so that
 * what else the machine does falls on all alike. `ratio`: the longest queue's to the shortest's. `startsPerSecond`: by
 * the clock, disk syncs included, of the slowest of the three.
 */
export async function run(): Promise<Record<string, unknown>> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
  const benches: Bench[] = [];
  try {
    for (const queued of QUEUES) benches.push(await openBench(join(dir, `${queued}.db`), queued));
    for (let pass = 0; pass < WARM_UP_PASSES + PASSES; pass++) {
      for (const bench of benches) await bench.pass(pass >= WARM_UP_PASSES);
    }
  } finally {
    for (const bench of benches) bench.close();
    await rm(dir, { recursive: true, force: true });
  }
  const cpuMs = benches.map(({ costs }) => median(costs.map((cost) => cost.cpuMs)));
  const wallMs = benches.map(({ costs }) => median(costs.map((cost) => cost.wallMs)));
  return {
    msPerStart: Object.fromEntries(QUEUES.map((queued, index) => [queued, round(cpuMs[index])])),
    ratio: round((cpuMs.at(-1) ?? Number.NaN) / (cpuMs[0] ?? Number.NaN)),
    startsPerSecond: Math.floor(1_000 / Math.max(...wallMs)),
  };
}

type Cost = { readonly cpuMs: number; readonly wallMs: number };
type Bench = { readonly costs: readonly Cost[]; pass(isCounted: boolean): Promise<void>; close(): void };

async function openBench(file: string, queued: number): Promise<Bench> {
  const stores = createSqliteStores({ file, clock: systemClock });
  const deps = depsOf(stores);
  const costs: Cost[] = [];
  let next = 0;
  const enqueue = async (count: number) => {
    for (const end = next + count; next < end; ) {
      const some = Math.min(1_000, end - next);
      await Promise.all(Array.from({ length: some }, () => stores.jobs.create(jobOf(next++))));
    }
  };
  await stores.pools.create({ ...newPool(POOL, STARTS_PER_PASS), version: 1 });
  await enqueue(queued);
  for (let lane = 0; lane < LANES; lane++) await registerLane(deps, jobOf(lane));
  return {
    costs,
    async pass(isCounted) {
      await empty(stores);
      const cost = await onePass(deps);
      if (isCounted) costs.push(cost);
      await enqueue(STARTS_PER_PASS);
    },
    close: stores.close,
  };
}

async function onePass(deps: Deps): Promise<Cost> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const started = await dispatchPool(deps, POOL);
  const wallMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  if (started !== STARTS_PER_PASS) throw new Error(`${started} of ${STARTS_PER_PASS} workers were started`);
  return { cpuMs: (user + system) / 1_000 / started, wallMs: wallMs / started };
}

/** As if all its workers had been released. */
async function empty({ pools }: SqliteStores): Promise<void> {
  const pool = await pools.get(POOL);
  if (pool !== undefined) await pools.replace({ ...pool, version: pool.version + 1, reservations: {} });
}

function jobOf(number: number) {
  const owner = {
    id: 1_000 + (number % LANES),
    login: `org-${number % LANES}`,
    type: "Organization",
  } as const;
  const repository = { id: 5_000 + (number % LANES), owner, name: "repo" };
  const github = aGithubSide({ workflowJobId: FIRST_ID + number, repository });
  return aJob({
    id: githubJobId(FIRST_ID + number),
    tenant: tenantId(owner.id),
    github,
    queuedAt: Date.now(),
  });
}

function depsOf(stores: SqliteStores): Deps {
  const clock = systemClock;
  const driver: PoolDriver = {
    capabilities: { idempotentStart: true, namedCards: true },
    capacity: async () => ({ total: STARTS_PER_PASS, simulated: true }),
    start: async () => ({ type: "started" }),
    inspect: async () => ({ type: "running" }),
    list: async () => [],
    ended: async () => [],
    stop: async () => "gone",
    logsTail: async () => [],
  };
  const settings = { name: POOL, driver, maxWorkers: undefined };
  return {
    stores,
    apiStores: stores.api,
    seal: createFakeSeal(),
    clock,
    pause: systemPause,
    random: systemRandom,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    github: createFakeGithub(clock),
    pools: new Map<PoolName, typeof settings>([[POOL, settings]]),
    catalogue: aCatalogue(),
    tenants: Array.from({ length: LANES }, (_, lane) => ({
      owner: `org-${lane}`,
      ...DEFAULT_TENANT_SETTINGS,
    })),
    deployment: "bench0",
    githubUrl: "https://github.com",
    storage: { bytesPerTenant: 1_000_000_000, isDiskLow: () => false },
    workerEnv: (worker) => ({ RUNPOD_POD_ID: worker.id }),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value = Number.NaN): number {
  return Math.round(value * 1_000) / 1_000;
}
