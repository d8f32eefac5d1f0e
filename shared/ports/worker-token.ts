import type { EndpointName, PoolName, TenantId, WorkerId } from "../domain/ids.ts";

/** What a worker's token says. It opens the worker plane for this worker and nothing else. */
export type WorkerClaims = {
  readonly worker: WorkerId;
  readonly pool: PoolName;
  readonly endpoint: EndpointName;
  readonly tenant: TenantId;
};

export type WorkerTokens = {
  sign(claims: WorkerClaims): string;
  /** Undefined for anything that this deployment did not sign. */
  verify(token: string): WorkerClaims | undefined;
};
