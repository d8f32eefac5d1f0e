// What the use cases need, as ports. functions/deps.ts builds it once per process.
import type { Endpoint } from "../domain/admission/endpoint.ts";
import type { Catalogue } from "../domain/admission/matching.ts";
import type { TenantSettings } from "../domain/admission/tenant.ts";
import { settingsOf } from "../domain/admission/tenant.ts";
import type { EndpointName, PoolName } from "../domain/ids.ts";
import type { Job } from "../domain/job/job.ts";
import type { RunnerScope } from "../domain/runner-scope.ts";
import { scopeOf } from "../domain/runner-scope.ts";
import type { Worker } from "../domain/worker/worker.ts";
import type { ApiStores } from "../ports/api-store.ts";
import type { Clock, Pause } from "../ports/clock.ts";
import type { Github } from "../ports/github.ts";
import type { Log } from "../ports/log.ts";
import type { PoolDriver } from "../ports/pool-driver.ts";
import type { Random } from "../ports/random.ts";
import type { Seal } from "../ports/seal.ts";
import type { Stores } from "../ports/store.ts";

export type PoolSettings = {
  readonly name: PoolName;
  readonly driver: PoolDriver;
  /** Workers at once, whatever their cards; undefined: only cards count. */
  readonly maxWorkers: number | undefined;
  /** Starts under way at once in one process; absent: STARTS_AT_ONCE of dispatch/start-slots.ts. */
  readonly startsAtOnce?: number | undefined;
};

type StorageLimits = {
  /** What a tenant may have stored beside its jobs' own rows where dispatch.yaml says nothing else of it, bytes. */
  readonly bytesPerTenant: number;
  /** So little is left that it is kept for the ends of jobs. */
  readonly isDiskLow: () => boolean;
};

export type Deps = {
  readonly stores: Stores;
  readonly apiStores: ApiStores;
  readonly storage: StorageLimits;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly pause: Pause;
  readonly random: Random;
  readonly log: Log;
  readonly github: Github;
  readonly pools: ReadonlyMap<PoolName, PoolSettings>;
  readonly catalogue: Catalogue;
  readonly tenants: readonly TenantSettings[];
  /** Stored deployment id, the prefix of our worker ids. */
  readonly deployment: string;
  /** Base of the web URL that config.sh registers with: `https://github.com`. */
  readonly githubUrl: string;
  /** Environment of a worker: URLs of the worker plane, its id, its token. */
  readonly workerEnv: (worker: Worker) => { readonly [name: string]: string };
};

export function endpointOf(deps: Pick<Deps, "catalogue">, name: EndpointName): Endpoint | undefined {
  return deps.catalogue.endpoints.find((endpoint) => endpoint.name === name);
}

/**
 * Where the runner of a job is registered: an API job says so itself; for GitHub's the tenant's setting may move an
 * organization's to the repository.
 */
export function runnerScope(deps: Pick<Deps, "tenants">, job: Job): RunnerScope {
  const asked = job.api?.runner?.scope;
  if (asked !== undefined) return asked;
  const repository = job.github?.repository;
  if (repository === undefined) return { type: "organization", org: "" };
  const settings = settingsOf(deps.tenants, { id: job.tenant, login: repository.owner.login });
  return scopeOf(repository, settings?.level);
}

/**
 * Limits of an endpoint that was taken out of dispatch.yaml while its workers live: those of any other would be a guess.
 */
export function limitsOf(deps: Pick<Deps, "catalogue">, name: EndpointName) {
  return endpointOf(deps, name)?.limits ?? FORGOTTEN_LIMITS;
}

const HOUR_MS = 3_600_000;
const FORGOTTEN_LIMITS = {
  executionMs: 6 * HOUR_MS,
  idleMs: HOUR_MS / 12,
  warmMs: HOUR_MS / 12,
  bootMs: HOUR_MS / 4,
};
