// What the use cases need, over the embedded store: one pool whose driver a bench brings, and a GitHub in memory.
import type { SqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock, systemPause } from "../shared/adapters/system/clock.ts";
import { systemRandom } from "../shared/adapters/system/random.ts";
import type { TenantSettings } from "../shared/domain/admission/tenant.ts";
import type { PoolName } from "../shared/domain/ids.ts";
import type { Log } from "../shared/ports/log.ts";
import type { PoolDriver } from "../shared/ports/pool-driver.ts";
import type { Stores } from "../shared/ports/store.ts";
import type { Deps } from "../shared/usecases/deps.ts";
import { aCatalogue, POOL } from "../test/domain/builders.ts";
import { createFakeGithub } from "../test/fakes/fake-github.ts";
import { createFakeSeal } from "../test/fakes/fake-seal.ts";

export const QUIET: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export type BenchParts = {
  readonly stores: Stores & Pick<SqliteStores, "api">;
  readonly driver: PoolDriver;
  readonly tenants: readonly TenantSettings[];
  readonly log?: Log;
};

export function benchDeps({ stores, driver, tenants, log = QUIET }: BenchParts): Deps {
  const settings = { name: POOL, driver, maxWorkers: undefined };
  return {
    stores,
    apiStores: stores.api,
    storage: { bytesPerTenant: 1_000_000_000, isDiskLow: () => false },
    seal: createFakeSeal(),
    clock: systemClock,
    pause: systemPause,
    random: systemRandom,
    log,
    github: createFakeGithub(systemClock),
    pools: new Map<PoolName, typeof settings>([[POOL, settings]]),
    catalogue: aCatalogue(),
    tenants,
    deployment: "bench0",
    githubUrl: "https://github.com",
    workerEnv: (worker) => ({ RUNPOD_POD_ID: worker.id }),
  };
}

/** A driver that does at once what it is asked to, but for what a bench puts in its place. */
export function idealDriver(cards: number, own: Partial<PoolDriver> = {}): PoolDriver {
  return {
    capabilities: { idempotentStart: true, namedCards: false },
    capacity: async () => ({ total: cards, simulated: true }),
    start: async () => ({ type: "started" }),
    inspect: async () => ({ type: "running" }),
    list: async () => [],
    ended: async () => [],
    stop: async () => "gone",
    logsTail: async () => [],
    ...own,
  };
}

/** The stores, with each write of a pool's item told to `onWrite`, successful or not. */
export function countingPoolWrites<S extends Stores>(stores: S, onWrite: () => void): S {
  const { pools } = stores;
  const replace: typeof pools.replace = (next) => {
    onWrite();
    return pools.replace(next);
  };
  return { ...stores, pools: { ...pools, replace } };
}
