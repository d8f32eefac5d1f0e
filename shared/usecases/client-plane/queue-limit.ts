// How many jobs of an endpoint may be open at once, so that one client in a loop fills neither the table nor others' queue.
import type { Endpoint } from "../../domain/admission/endpoint.ts";
import type { EndpointName, TenantId } from "../../domain/ids.ts";
import type { ApiStores } from "../../ports/api-store.ts";
import type { Deps } from "../deps.ts";
import { shareAnswer } from "./shared-answer.ts";

/** Of a tenant, by RunPod's rule: 500 for each worker that an endpoint may have, which by its default are 3. */
export const MAX_OPEN_JOBS_OF_TENANT = 1_500;

/** Of all tenants together: three of them at their limit. */
export const MAX_OPEN_JOBS = 4_500;

type Count = { all: number; readonly ofTenant: Map<TenantId, number> };

export type Room =
  | { readonly type: "room" }
  | { readonly type: "full"; readonly whose: "tenant" | "endpoint"; readonly limit: number };

const counts = new WeakMap<ApiStores, (endpoint: Endpoint) => Promise<Count>>();

/**
 * Listed now and then, and in between this process counts by itself: about right, and that is enough. Many processes may
 * each let a few more in before they list again.
 */
export async function takeRoom(deps: Deps, endpoint: Endpoint, tenant: TenantId): Promise<Room> {
  const countOf = counts.get(deps.apiStores) ?? shareAnswer(deps.clock, ({ name }) => countOpen(deps, name));
  counts.set(deps.apiStores, countOf);
  const count = await countOf(endpoint);
  const own = count.ofTenant.get(tenant) ?? 0;
  if (own >= MAX_OPEN_JOBS_OF_TENANT)
    return { type: "full", whose: "tenant", limit: MAX_OPEN_JOBS_OF_TENANT };
  if (count.all >= MAX_OPEN_JOBS) return { type: "full", whose: "endpoint", limit: MAX_OPEN_JOBS };
  count.all++;
  count.ofTenant.set(tenant, own + 1);
  return { type: "room" };
}

async function countOpen(deps: Deps, endpoint: EndpointName): Promise<Count> {
  const open = await deps.apiStores.apiJobs.open(endpoint, MAX_OPEN_JOBS);
  const ofTenant = new Map<TenantId, number>();
  for (const { tenant } of open) ofTenant.set(tenant, (ofTenant.get(tenant) ?? 0) + 1);
  return { all: open.length, ofTenant };
}
