// The configuration as the program uses it: dispatch.yaml parsed, checked and with its patterns expanded. Plain data.
import type { Endpoint, EndpointTemplate } from "../domain/admission/endpoint.ts";
import type { TenantSettings } from "../domain/admission/tenant.ts";
import type { PoolName } from "../domain/ids.ts";
import type { ApiKey } from "../ports/api-store.ts";
import type { Limits } from "./limits.ts";
import type { resolveDockerPool } from "./pools/docker-pool.ts";
import type { resolveKubernetesPool } from "./pools/kubernetes-pool.ts";
import type { PoolKind } from "./pools/pool-kind.ts";

type CommonPoolSettings = {
  readonly name: PoolName;
  readonly kind: PoolKind;
  /** `auto`: what the driver finds. Always 0 for a cpu pool. */
  readonly cards: number | "auto";
  /** Counts that one worker may have, ascending; undefined: any. */
  readonly allowedCounts: readonly number[] | undefined;
  readonly maxWorkers: number | undefined;
  readonly startsAtOnce?: number | undefined;
  /** Further environment of its workers; never secrets. */
  readonly env: { readonly [name: string]: string };
};

export type PoolSettings = CommonPoolSettings &
  (
    | { readonly driver: "local" }
    | { readonly driver: "docker"; readonly docker: ReturnType<typeof resolveDockerPool> }
    | { readonly driver: "kubernetes"; readonly kubernetes: ReturnType<typeof resolveKubernetesPool> }
  );

export type Config = {
  /** Where workers and users reach this dispatcher, without a slash at its end. */
  readonly publicUrl: string | undefined;
  readonly pools: readonly PoolSettings[];
  readonly templates: readonly EndpointTemplate[];
  /** Every template with its card counts filled in. */
  readonly endpoints: readonly Endpoint[];
  readonly tenants: readonly TenantSettings[];
  readonly apiKeys: readonly ApiKey[];
  readonly oidcIssuer: string;
  /** Host names that callbacks may reach though they are private or not https. */
  readonly callbackAllow: readonly string[];
  readonly limits: Limits;
};

/** One thing wrong with the configuration or the environment. */
export type ConfigFault = {
  /** Where: `endpoints[2].npus`, or the name of an environment variable. */
  readonly path: string;
  readonly message: string;
  /** What to write instead. */
  readonly fix: string;
};

/** Faults as text for a terminal, one per line. */
export function formatFaults(faults: readonly ConfigFault[]): string {
  return faults.map(({ path, message, fix }) => `${path}: ${message}\n  ${fix}`).join("\n");
}
