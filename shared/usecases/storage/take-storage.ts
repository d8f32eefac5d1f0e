// Whether a tenant may store so many bytes more: a tenant's inputs and results fill neither the disk nor the bill.
import { settingsOf } from "../../domain/admission/tenant.ts";
import type { EpochMs, TenantId } from "../../domain/ids.ts";
import { SMALL_JSON_BYTES } from "../../domain/job/payload.ts";
import type { ApiStores } from "../../ports/api-store.ts";
import type { Deps } from "../deps.ts";

export type Storage =
  | { readonly type: "room" }
  /** `disk`: whoever asks, there is none. */
  | { readonly type: "full"; readonly whose: "tenant" | "disk"; readonly message: string };

type Owner = { readonly tenant: TenantId; readonly login: string };
type Known = { readonly at: EpochMs; total: number };

/** Listed now and then, and in between this process counts by itself what it adds. */
const KNOWN_FOR_MS = 5_000;
/** When that says "full", what went meanwhile may be found at most so often. */
const RECOUNT_MS = 1_000;

const ROOM = { type: "room" } as const;
const known = new WeakMap<ApiStores, Map<TenantId, Known>>();

/** For a small payload only the disk is asked. Many processes may let a few more in. */
export async function takeStorage(deps: Deps, owner: Owner, bytes: number): Promise<Storage> {
  if (deps.storage.isDiskLow()) return { type: "full", whose: "disk", message: DISK_IS_LOW };
  if (bytes <= SMALL_JSON_BYTES) return ROOM;
  const quota = quotaOf(deps, owner);
  let count = await countOf(deps, owner.tenant, KNOWN_FOR_MS);
  if (count.total + bytes > quota) count = await countOf(deps, owner.tenant, RECOUNT_MS);
  if (count.total + bytes > quota)
    return { type: "full", whose: "tenant", message: fullMessage(owner, count.total, quota) };
  count.total += bytes;
  return ROOM;
}

/** A large result: a small one is always taken, since it ends its job, for which the last of the disk is kept. */
export async function takeStorageFor(deps: Deps, tenant: TenantId, bytes: number): Promise<Storage> {
  if (bytes <= SMALL_JSON_BYTES) return ROOM;
  // A worker's token names no login, the installation does.
  const login = (await deps.stores.tenants.get(tenant))?.login ?? "";
  return takeStorage(deps, { tenant, login }, bytes);
}

function quotaOf({ tenants, storage }: Deps, { tenant, login }: Owner): number {
  return settingsOf(tenants, { id: tenant, login })?.storedBytes ?? storage.bytesPerTenant;
}

async function countOf(deps: Deps, tenant: TenantId, forMs: number): Promise<Known> {
  const ofTenants = known.get(deps.apiStores) ?? new Map<TenantId, Known>();
  known.set(deps.apiStores, ofTenants);
  const now = deps.clock.now();
  const last = ofTenants.get(tenant);
  if (last !== undefined && now >= last.at && now - last.at < forMs) return last;
  const count = { at: now, total: await deps.apiStores.stored.total(tenant) };
  ofTenants.set(tenant, count);
  return count;
}

const DISK_IS_LOW =
  "the dispatcher's disk is nearly full: jobs that it has go on and end, new ones are not taken; try again later, and tell its operator";

function fullMessage({ login }: Owner, total: number, quota: number): string {
  const whose = login === "" ? "its tenant" : login;
  return `${whose} has ${inMb(total)} of inputs and results stored and may have ${inMb(quota)}: an input goes when its job has ended, a result 30 min after /run and 1 min after /runsync; wait, send less, or let the operator raise storedBytes in dispatch.yaml`;
}

function inMb(bytes: number): string {
  return `${Math.round(bytes / 100_000) / 10} MB`;
}
