// What an operator names, as the places that pauses are kept for.

import type { Pauses, Place } from "../../domain/admission/pauses.ts";
import { listPauses } from "../../domain/admission/pauses.ts";
import type { TenantId } from "../../domain/ids.ts";
import { tenantId } from "../../domain/ids.ts";
import type { Deps } from "../deps.ts";

/**
 * By name. An endpoint: also a pattern of dispatch.yaml, for all of its endpoints. A tenant: its login, or its numeric
 * id.
 */
export type AskedPlace =
  | { readonly pool: string }
  | { readonly endpoint: string }
  | { readonly tenant: string };

export type Found =
  | { readonly type: "found"; readonly places: readonly Place[] }
  | { readonly type: "unknown"; readonly message: string };

/** What is paused is found though dispatch.yaml no longer has it: it must be possible to resume it. */
export async function findPlaces(deps: Deps, asked: AskedPlace, pauses: Pauses): Promise<Found> {
  if ("pool" in asked) {
    const known = [...deps.pools.keys()];
    return answer("pool", asked.pool, {
      places: pick("pool", [asked.pool], [...known, ...pausedNames(pauses, "pool")]),
      known,
    });
  }
  if ("endpoint" in asked) {
    const { endpoints } = deps.catalogue;
    const named = endpoints.filter(({ name, template }) => [name, template].includes(asked.endpoint));
    const names = endpoints.map(({ name }) => name);
    const wanted = named.length === 0 ? [asked.endpoint] : named.map(({ name }) => name);
    const places = pick("endpoint", wanted, [...names, ...pausedNames(pauses, "endpoint")]);
    return answer("endpoint", asked.endpoint, { places, known: names });
  }
  const tenants = await knownTenants(deps);
  const login = asked.tenant.toLowerCase();
  const ids = tenants.filter((one) => one.id === asked.tenant || one.login.toLowerCase() === login);
  const wanted = ids.length === 0 ? [asked.tenant] : [...new Set(ids.map(({ id }) => id))];
  const known = [...new Set(tenants.map((one) => one.login))];
  const places = pick("tenant", wanted, [...tenants.map(({ id }) => id), ...pausedNames(pauses, "tenant")]);
  return answer("tenant", asked.tenant, { places, known });
}

function pick(kind: Place["kind"], wanted: readonly string[], known: readonly string[]): Place[] {
  return wanted.filter((name) => known.includes(name)).map((name) => ({ kind, name }) as Place);
}

function pausedNames(pauses: Pauses, kind: Place["kind"]): string[] {
  return listPauses(pauses).flatMap(({ place }) => (place.kind === kind ? [place.name] : []));
}

/** Shown when a name is not one; a long list helps nobody. */
const NAMES_SHOWN = 20;

function answer(
  kind: Place["kind"],
  asked: string,
  { places, known }: { readonly places: readonly Place[]; readonly known: readonly string[] },
): Found {
  if (places.length > 0) return { type: "found", places };
  const shown = known.slice(0, NAMES_SHOWN).join(", ");
  const rest = known.length > NAMES_SHOWN ? ` and ${known.length - NAMES_SHOWN} more` : "";
  const those = known.length === 0 ? "none is known yet" : `known are ${shown}${rest}`;
  return { type: "unknown", message: `there is no ${kind} "${asked}"; ${those}` };
}

type KnownTenant = { readonly id: TenantId; readonly login: string };

/** From whom anything has come: an installation or a job; and those whose id dispatch.yaml names. */
async function knownTenants(deps: Deps): Promise<KnownTenant[]> {
  const { tenants, lanes } = deps.stores;
  const listed = await Promise.all([...deps.pools.keys()].map((pool) => lanes.list(pool)));
  const named = deps.tenants.flatMap(({ ownerId, owner }) =>
    ownerId === undefined ? [] : [{ id: tenantId(ownerId), login: owner }],
  );
  const inLanes = listed.flat().map(({ tenant, login }) => ({ id: tenant, login }));
  return [...named, ...(await tenants.list()), ...inLanes].filter(({ login }) => login !== "");
}
