// The pools of dispatch.yaml with the driver of their kind.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createLocalPool } from "../shared/adapters/pools/local/local-pool.ts";
import { withPlainWords } from "../shared/adapters/pools/plain-words.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import type { Config } from "../shared/config/config.ts";
import type { PoolName } from "../shared/domain/ids.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import type { PoolDriver } from "../shared/ports/pool-driver.ts";
import type { PoolSettings } from "../shared/usecases/deps.ts";
import { runnerUserOf } from "./serve/local-runner.ts";

type Env = { readonly [name: string]: string | undefined };

export type PoolParts = {
  /** Folder for the local pools' own files. */
  readonly dir: string;
  /** For runners of local pools under another user, who may not enter that one. */
  readonly runnersDir?: string;
  /** Program and arguments of our worker. */
  readonly workerCommand: readonly string[];
  /** Where the device files of this host's cards are; `/dev` unless it is a pretended host's. */
  readonly deviceDir?: string | undefined;
  /** The dispatcher's environment; the driver passes on an allow-list of it. */
  readonly baseEnv: Env;
  /** For every worker, whatever its pool: where the runner is. */
  readonly workerEnv: { readonly [name: string]: string };
  /** The stored deployment id. */
  readonly deployment: string;
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

type Spec = Config["pools"][number];

async function createPool(spec: Spec, parts: PoolParts): Promise<PoolSettings> {
  const { name } = spec;
  const driver = withPlainWords(await driverOf(spec, parts));
  const maxWorkers = spec.maxWorkers ?? (await placesOf(spec, driver));
  return { name, driver, maxWorkers, startsAtOnce: spec.startsAtOnce };
}

/** Only what dispatch.yaml uses is loaded: the client of Kubernetes alone is 1.4 MB. */
async function driverOf(spec: Spec, parts: PoolParts): Promise<PoolDriver> {
  const { deployment, clock, log } = parts;
  switch (spec.driver) {
    case "local":
      return localDriver(spec, parts);
    case "docker": {
      const { createDockerPool } = await import("../shared/adapters/pools/docker/docker-pool.ts");
      const readFile = (path: string) => readFileSync(path, "utf8");
      const secrets = { env: parts.baseEnv, readFile };
      return createDockerPool(spec.docker, { deployment, secrets, clock, log });
    }
    case "kubernetes": {
      const { createKubernetesPool } = await import("../shared/adapters/pools/kubernetes/kubernetes-pool.ts");
      // What it signs is judged by another's clock.
      const own = { deployment, env: parts.baseEnv, clock: systemClock, log };
      return createKubernetesPool(spec.kubernetes, own);
    }
  }
}

function localDriver(spec: Spec, parts: PoolParts): PoolDriver {
  const { name, kind, cards, env } = spec;
  const { deviceDir, runnersDir } = parts;
  const isApart = runnersDir !== undefined && runnerUserOf(spec, parts.baseEnv) !== undefined;
  return createLocalPool({
    name,
    dir: join(parts.dir, name),
    ...(isApart && { runnersDir: join(runnersDir, name) }),
    kind,
    cards: kind === "cpu" ? "auto" : cards,
    workerCommand: parts.workerCommand,
    baseEnv: parts.baseEnv,
    extraEnv: { ...parts.workerEnv, ...env, NPU_DISPATCH_DEVICE_DIR: deviceDir },
    ...(deviceDir !== undefined && { devDir: deviceDir }),
    clock: parts.clock,
    log: parts.log,
  });
}

/**
 * Workers without cards are bounded too: as many as this host has cores, beside one per card. Kubernetes bounds them by
 * what it has; of an engine elsewhere nothing is known before it answers.
 */
async function placesOf({ driver, kind, cards }: Spec, pool: PoolDriver): Promise<number | undefined> {
  switch (driver) {
    case "local": {
      const { total } = await pool.capacity();
      return kind === "cpu" ? total : total + availableParallelism();
    }
    case "docker":
      return kind === "cpu"
        ? availableParallelism()
        : cards === "auto"
          ? undefined
          : cards + availableParallelism();
    case "kubernetes":
      return undefined;
  }
}
