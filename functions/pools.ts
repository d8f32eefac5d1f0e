// The pools of dispatch.yaml with the driver of their kind.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createLocalPool } from "../shared/adapters/pools/local/local-pool.ts";
import type { Config } from "../shared/config/config.ts";
import type { PoolName } from "../shared/domain/ids.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import type { PoolDriver } from "../shared/ports/pool-driver.ts";
import type { PoolSettings } from "../shared/usecases/deps.ts";

type Env = { readonly [name: string]: string | undefined };

export type PoolParts = {
  /** Folder for the pools' own files. */
  readonly dir: string;
  /** Program and arguments of our worker. */
  readonly workerCommand: readonly string[];
  /** The dispatcher's environment; the driver passes on an allow-list of it. */
  readonly baseEnv: Env;
  /** For every worker, whatever its pool: where the runner is. */
  readonly workerEnv: { readonly [name: string]: string };
  readonly clock: Clock;
  readonly log: Log;
};

export async function createPools(
  config: Config,
  parts: PoolParts,
): Promise<ReadonlyMap<PoolName, PoolSettings>> {
  const pools = await Promise.all(config.pools.map((pool) => createPool(pool, parts)));
  return new Map(pools.map((pool) => [pool.name, pool]));
}

/** Workers without cards are bounded too: as many as the host has cores, beside one per card. */
async function placesOf(driver: PoolDriver, kind: Config["pools"][number]["kind"]): Promise<number> {
  const { total } = await driver.capacity();
  return kind === "cpu" ? total : total + availableParallelism();
}

async function createPool(settings: Config["pools"][number], parts: PoolParts): Promise<PoolSettings> {
  const { name, kind, cards, env } = settings;
  const driver = createLocalPool({
    name,
    dir: join(parts.dir, name),
    kind,
    cards: kind === "cpu" ? "auto" : cards,
    workerCommand: parts.workerCommand,
    baseEnv: parts.baseEnv,
    extraEnv: { ...parts.workerEnv, ...env },
    clock: parts.clock,
    log: parts.log,
  });
  return { name, driver, maxWorkers: settings.maxWorkers ?? (await placesOf(driver, kind)) };
}
