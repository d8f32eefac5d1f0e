// The composition root of every process that dispatches: configuration and adapters in, ports of the use cases out.

import type { Config } from "../shared/config/config.ts";
import type { PoolName } from "../shared/domain/ids.ts";
import { DEPLOYMENT_ID_LENGTH } from "../shared/domain/ids.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Github } from "../shared/ports/github.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Random } from "../shared/ports/random.ts";
import type { Stores } from "../shared/ports/store.ts";
import type { WorkerTokens } from "../shared/ports/worker-token.ts";
import type { Deps, PoolSettings } from "../shared/usecases/deps.ts";
import { createWorkerEnv } from "./worker-env.ts";

export type DepsParts = {
  readonly config: Config;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly github: Github;
  readonly pools: ReadonlyMap<PoolName, PoolSettings>;
  readonly tokens: WorkerTokens;
  /** Base URL of the worker plane as workers reach it. */
  readonly publicUrl: string;
  /** Base of GitHub's web URLs: `https://github.com`. */
  readonly githubUrl: string;
};

export async function createDeps(parts: DepsParts): Promise<Deps> {
  const { config, stores, clock, random, log, github, pools } = parts;
  return {
    stores,
    clock,
    random,
    log,
    github,
    pools,
    catalogue: { templates: config.templates, endpoints: config.endpoints },
    tenants: config.tenants,
    deployment: await stores.deployment.deploymentId(random.token(DEPLOYMENT_ID_LENGTH)),
    githubUrl: parts.githubUrl,
    workerEnv: createWorkerEnv(parts.publicUrl, parts.tokens),
  };
}
