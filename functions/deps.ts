// The composition root of every process that dispatches: configuration and adapters in, ports of the use cases out.
import { createCallbackSender } from "../shared/adapters/callback/callback-sender.ts";
import { createSeal } from "../shared/adapters/crypto/seal.ts";
import { systemPause } from "../shared/adapters/system/clock.ts";
import type { Config } from "../shared/config/config.ts";
import type { DispatchSecrets, ProgramSecrets } from "../shared/config/secrets.ts";
import type { PoolName } from "../shared/domain/ids.ts";
import { DEPLOYMENT_ID_LENGTH } from "../shared/domain/ids.ts";
import type { ApiStores } from "../shared/ports/api-store.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Github } from "../shared/ports/github.ts";
import type { JobWatches } from "../shared/ports/job-watch.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Random } from "../shared/ports/random.ts";
import type { Stores } from "../shared/ports/store.ts";
import type { WorkerTokens } from "../shared/ports/worker-token.ts";
import type { ApiDeps } from "../shared/usecases/client-plane/api-deps.ts";
import type { PoolSettings } from "../shared/usecases/deps.ts";
import { createWorkerEnv } from "./worker-env.ts";

export type DepsParts = {
  readonly config: Config;
  readonly secrets: DispatchSecrets & ProgramSecrets;
  readonly stores: Stores & { readonly api: ApiStores };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly github: Github;
  readonly pools: ReadonlyMap<PoolName, PoolSettings>;
  /** Of `deploymentOf`. */
  readonly deployment: string;
  readonly tokens: WorkerTokens;
  /** False for ever where somebody else looks after the disk. */
  readonly isDiskLow: () => boolean;
  /** Where the process that writes can wake its own long polls. */
  readonly watches?: JobWatches;
  /** Base URL of both planes as workers and workflow steps reach them. */
  readonly publicUrl: string;
  /** Base of GitHub's web URLs: `https://github.com`. */
  readonly githubUrl: string;
};

/** The stored id of this installation, by which workers and containers are known to be ours. */
export function deploymentOf({ deployment }: Pick<Stores, "deployment">, random: Random): Promise<string> {
  return deployment.deploymentId(random.token(DEPLOYMENT_ID_LENGTH));
}

export function createDeps(parts: DepsParts): ApiDeps {
  const { config, secrets, stores, clock, random, log, github, pools } = parts;
  const { dispatchSecret, dispatchSecretPrevious } = secrets;
  return {
    stores,
    apiStores: stores.api,
    storage: { bytesPerTenant: config.limits.tenant.storedBytes, isDiskLow: parts.isDiskLow },
    seal: createSeal(dispatchSecret, dispatchSecretPrevious),
    callbacks: createCallbackSender({ secret: dispatchSecret, allow: config.callbackAllow }),
    watches: parts.watches,
    clock,
    pause: systemPause,
    random,
    log,
    github,
    pools,
    catalogue: { templates: config.templates, endpoints: config.endpoints },
    tenants: config.tenants,
    deployment: parts.deployment,
    githubUrl: parts.githubUrl,
    workerEnv: createWorkerEnv(parts.publicUrl, parts.tokens, {
      pools: config.pools,
      endpoints: config.endpoints,
      programSecrets: secrets.programSecrets,
    }),
  };
}
