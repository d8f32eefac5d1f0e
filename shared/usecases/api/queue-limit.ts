// How many jobs of an endpoint may be open at once, so that one client in a loop cannot fill the table.
import type { EndpointName, EpochMs } from "../../domain/ids.ts";
import type { ApiStores } from "../../ports/api-store.ts";
import type { Deps } from "../deps.ts";

/** RunPod's rule is 500 for each worker that an endpoint may have, 1,500 by its default of 3; ours is a little above it. */
export const MAX_OPEN_JOBS = 2_000;

/** Listing them all reads some MB at the limit: once in a while, and in between this process counts by itself. */
const COUNTED_FOR_MS = 5_000;

type Count = { readonly at: EpochMs; open: number };

const known = new WeakMap<ApiStores, Map<EndpointName, Count>>();

/** About right, and that is enough: many processes may each let a few more in before they count again. */
export async function hasRoom(deps: Deps, endpoint: EndpointName): Promise<boolean> {
  const counts = known.get(deps.apiStores) ?? new Map<EndpointName, Count>();
  known.set(deps.apiStores, counts);
  const now = deps.clock.now();
  let count = counts.get(endpoint);
  if (count === undefined || now - count.at >= COUNTED_FOR_MS) {
    const open = await deps.apiStores.apiJobs.open(endpoint, MAX_OPEN_JOBS);
    count = { at: now, open: open.length };
    counts.set(endpoint, count);
  }
  if (count.open >= MAX_OPEN_JOBS) return false;
  count.open++;
  return true;
}
