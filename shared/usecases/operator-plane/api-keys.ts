// API keys by an operator: which there are, a new one, and one taken back. Only hashes come by here.

import { settingsOf } from "../../domain/admission/tenant.ts";
import type { TenantId } from "../../domain/ids.ts";
import { tenantId } from "../../domain/ids.ts";
import type { ApiKey } from "../../ports/api-store.ts";
import type { Deps } from "../deps.ts";
import type { OperatorOutcome, Order } from "./pause-place.ts";

export type ListedKey = Omit<ApiKey, "hash"> & {
  /** The first 12 hex digits of its hash: enough to name it, and nothing to guess it by. */
  readonly id: string;
  readonly from: "store" | "dispatch.yaml";
};

export type NewKey = {
  /** SHA-256 of the key, hex. */
  readonly hash: string;
  readonly login: string;
  /** Needed for an owner that neither dispatch.yaml nor any delivery has told the id of. */
  readonly ownerId: number | undefined;
  readonly name: string;
  readonly by: string;
};

const ID_LENGTH = 12;
const MAX_LISTED = 1_000;

/** `more`: there are older ones that the listing does not show. */
export async function listKeys(
  deps: Deps,
  configured: readonly ApiKey[],
): Promise<{ readonly keys: readonly ListedKey[]; readonly more: boolean }> {
  const stored = await deps.apiStores.apiKeys.list(MAX_LISTED + 1);
  const inFile = new Set(configured.map(({ hash }) => hash));
  const fromStore = new Set(stored.map(({ hash }) => hash));
  const keys = [...configured.filter(({ hash }) => !fromStore.has(hash)), ...stored.slice(0, MAX_LISTED)];
  return {
    keys: keys.map(({ hash, ...key }) => ({
      ...key,
      id: keyIdOf(hash),
      from: inFile.has(hash) ? "dispatch.yaml" : "store",
    })),
    more: stored.length > MAX_LISTED,
  };
}

/** The key itself stays with whoever made it. */
export async function storeKey(deps: Deps, asked: NewKey): Promise<OperatorOutcome> {
  const { hash, login, name, by } = asked;
  const tenant = await tenantOf(deps, asked);
  if (tenant === undefined) {
    return {
      type: "refused",
      message: `nothing here knows the id of "${login}": add it (gh api users/${login} --jq .id)`,
    };
  }
  const key: ApiKey = { hash, login, name, tenant, createdAt: deps.clock.now() };
  if (!(await deps.apiStores.apiKeys.create(key))) {
    return { type: "refused", message: "there is a key of this hash already: make another" };
  }
  note(deps, `API key ${keyIdOf(hash)} (${name}) of ${login} made by ${by}`, "key-made", tenant);
  const open = await isTenant(deps, tenant, login);
  const closed = open ? "" : `; it opens nothing before "${login}" is under tenants: in dispatch.yaml`;
  return { type: "done", message: `API key ${keyIdOf(hash)} of "${login}" is made${closed}` };
}

/** `id`: the first 12 digits of its hash, or more of them. The next call with the key is refused. */
export async function revokeKey(
  deps: Deps,
  configured: readonly ApiKey[],
  { id, reason, by }: Order & { readonly id: string },
): Promise<OperatorOutcome> {
  const [key, ...others] = await findKeys(deps, configured, id);
  if (key === undefined) {
    const message = `no key listed here begins with ${id}; its whole hash finds one made before there was a list`;
    return { type: "unknown", message };
  }
  if (others.length > 0)
    return { type: "refused", message: `more than one key begins with ${id}: add digits` };
  const at = deps.clock.now();
  const { revoked, login, name, hash, tenant } = await deps.apiStores.apiKeys.revoke(key, { at, reason, by });
  const what = `API key ${keyIdOf(hash)} (${name}) of ${login}`;
  if (revoked?.at !== at) {
    return { type: "done", message: `${what} was revoked before: nothing is changed` };
  }
  note(deps, `${what} revoked by ${by}: ${reason}`, "key-revoked", tenant);
  return { type: "done", message: `${what} is revoked: it is refused from now on` };
}

function keyIdOf(hash: string): string {
  return hash.slice(0, ID_LENGTH);
}

async function findKeys(deps: Deps, configured: readonly ApiKey[], id: string): Promise<ApiKey[]> {
  const { apiKeys } = deps.apiStores;
  const [listed, exact] = await Promise.all([apiKeys.list(MAX_LISTED), apiKeys.get(id)]);
  const all = [...configured, ...listed, ...(exact === undefined ? [] : [exact])];
  return [...new Map(all.map((key) => [key.hash, key])).values()].filter(({ hash }) => hash.startsWith(id));
}

async function tenantOf(deps: Deps, { ownerId, login }: NewKey): Promise<TenantId | undefined> {
  if (ownerId !== undefined) return tenantId(ownerId);
  const name = login.toLowerCase();
  const named = deps.tenants.find(({ owner }) => owner.toLowerCase() === name)?.ownerId;
  if (named !== undefined) return named;
  return (await deps.stores.tenants.list()).find((tenant) => tenant.login.toLowerCase() === name)?.id;
}

async function isTenant(deps: Deps, id: TenantId, login: string): Promise<boolean> {
  if (settingsOf(deps.tenants, { id, login }) !== undefined) return true;
  return (await deps.stores.tenants.get(id))?.state === "approved";
}

function note(deps: Deps, message: string, reason: string, tenant: TenantId): void {
  deps.log.warn("operator-order", { tenant, reason, message });
}
