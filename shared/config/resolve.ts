// From what people wrote to what the program uses: defaults filled in, durations in milliseconds.

import { type EndpointTemplate, NPUS } from "../domain/admission/endpoint.ts";
import type { Architecture } from "../domain/admission/labels.ts";
import type { TenantSettings } from "../domain/admission/tenant.ts";
import { BOOT_MS, EXECUTION_MS, IDLE_MS, WARM_MS } from "../domain/deadlines.ts";
import { poolName, tenantId } from "../domain/ids.ts";
import type { ApiKey } from "../ports/api-store.ts";
import type { PoolSettings } from "./config.ts";
import { parseDuration } from "./duration.ts";
import { resolveDockerPool } from "./pools/docker-pool.ts";
import { resolveKubernetesPool } from "./pools/kubernetes-pool.ts";
import type { PoolKind } from "./pools/pool-kind.ts";
import type { ApiKeySpec, EndpointSpec, PoolSpec, TenantSpec } from "./schema.ts";

export function resolvePool(name: string, spec: PoolSpec): PoolSettings {
  const common = {
    name: poolName(name),
    kind: spec.kind,
    cards: spec.kind === "cpu" ? 0 : spec.cards,
    allowedCounts: spec.allowedCounts && [...new Set(spec.allowedCounts)].sort((a, b) => a - b),
    maxWorkers: spec.maxWorkers,
    startsAtOnce: spec.startsAtOnce,
    env: spec.env,
  };
  if (spec.driver === "docker") return { ...common, driver: "docker", docker: resolveDockerPool(name, spec) };
  if (spec.driver === "kubernetes") {
    return { ...common, driver: "kubernetes", kubernetes: resolveKubernetesPool(name, spec) };
  }
  return { ...common, driver: "local" };
}

/** The second: of the pool where its workers run; a worker has one card unless that has none. */
export function resolveEndpoint(
  spec: EndpointSpec,
  { kind, architecture }: { readonly kind: PoolKind; readonly architecture?: Architecture | undefined },
): EndpointTemplate {
  const pattern = spec.name.includes(NPUS);
  const { execution, idle, warm = idle, boot } = spec.limits;
  return {
    name: spec.name,
    selector: spec.selector ?? spec.name,
    labels: spec.labels,
    pool: poolName(spec.pool),
    cards: pattern ? undefined : (spec.cards ?? (kind === "cpu" ? 0 : 1)),
    counts: pattern ? [...new Set(spec.npus ?? [])] : [],
    startedBy: spec.startedBy,
    registration: spec.registration,
    defaultLabels: spec.defaultLabels,
    architecture,
    image: spec.image,
    command: spec.command,
    env: spec.env,
    secrets: spec.secrets,
    capabilities: spec.capabilities,
    containerImages: spec.containerImages,
    limits: {
      executionMs: milliseconds(execution, EXECUTION_MS),
      idleMs: milliseconds(idle, IDLE_MS),
      warmMs: milliseconds(warm, WARM_MS),
      bootMs: milliseconds(boot, BOOT_MS),
    },
  };
}

export function resolveTenant(spec: TenantSpec): TenantSettings {
  return {
    owner: spec.owner,
    ownerId: spec.ownerId === undefined ? undefined : tenantId(spec.ownerId),
    runnerGroup: spec.runnerGroup,
    weight: spec.weight,
    maxCards: spec.maxCards,
    maxWorkers: spec.maxWorkers,
    storedBytes: spec.storedBytes,
    bytesUnderWay: spec.bytesUnderWay,
    bytesPerSecond: spec.bytesPerSecond,
    level: spec.level,
    repositories: spec.repositories,
    workflows: spec.workflows,
    forks: spec.forks,
  };
}

/** When it was made is not known, and nobody asks. */
export function resolveApiKey(spec: ApiKeySpec): ApiKey {
  return {
    hash: spec.hash,
    tenant: tenantId(spec.ownerId),
    login: spec.owner,
    name: spec.name,
    createdAt: 0,
  };
}

function milliseconds(text: string | undefined, standard: number): number {
  return text === undefined ? standard : (parseDuration(text) ?? standard);
}
