// What an operator has paused: a pool, all jobs of a tenant, or those of an endpoint.
import type { EndpointName, EpochMs, PoolName, TenantId } from "../ids.ts";

/**
 * `pause`: nothing new starts, and no worker is given another job. `drain`: also workers that idle are ended. What runs
 * ends by itself in either.
 */
export type PauseMode = "pause" | "drain";

export type Place =
  | { readonly kind: "pool"; readonly name: PoolName }
  | { readonly kind: "tenant"; readonly name: TenantId }
  | { readonly kind: "endpoint"; readonly name: EndpointName };

export type Pause = {
  readonly mode: PauseMode;
  /** The operator's words, shown to whoever waits; without a full stop. */
  readonly reason: string;
  readonly at: EpochMs;
  /** The name of the key it was ordered with. */
  readonly by: string;
};

/** By place: `pool:a2`, `tenant:4711`, `endpoint:linux-arm64-npu-1`. */
export type Pauses = { readonly entries: { readonly [place: string]: Pause } };

export type PausedPlace = { readonly place: Place; readonly pause: Pause };

/** Where a job or a worker is. */
export type Whereabouts = {
  readonly pool: PoolName;
  readonly tenant: TenantId;
  readonly endpoint: EndpointName;
};

export const NO_PAUSES: Pauses = { entries: {} };

/** A later word on the same place replaces the earlier one. */
export function paused(pauses: Pauses, place: Place, pause: Pause): Pauses {
  const reason = pause.reason.replace(/[\s.]+$/, "");
  return { entries: { ...pauses.entries, [keyOf(place)]: { ...pause, reason } } };
}

/** The same object when the place is not paused. */
export function resumed(pauses: Pauses, place: Place): Pauses {
  const { [keyOf(place)]: gone, ...entries } = pauses.entries;
  return gone === undefined ? pauses : { entries };
}

export function pausedAt(pauses: Pauses, place: Place): Pause | undefined {
  return pauses.entries[keyOf(place)];
}

export function listPauses(pauses: Pauses): PausedPlace[] {
  return Object.entries(pauses.entries).map(([key, pause]) => ({ place: placeOf(key), pause }));
}

/** What keeps the jobs of a pool, a tenant there or an endpoint of both from starting: the widest place first. */
export function pauseOf(
  pauses: Pauses,
  where: Pick<Whereabouts, "pool"> & Partial<Whereabouts>,
): PausedPlace | undefined {
  // As a rule nothing is: asked for each job and lane of a pass.
  if (Object.keys(pauses.entries).length === 0) return undefined;
  for (const place of placesOf(where)) {
    const pause = pausedAt(pauses, place);
    if (pause !== undefined) return { place, pause };
  }
  return undefined;
}

/** A drain of any of its places drains it: one that is merely paused by another word is no exception. */
export function isDrained(pauses: Pauses, where: Whereabouts): boolean {
  return placesOf(where).some((place) => pausedAt(pauses, place)?.mode === "drain");
}

export function hasDrains(pauses: Pauses): boolean {
  return Object.values(pauses.entries).some(({ mode }) => mode === "drain");
}

export function hasPausedEndpoints(pauses: Pauses): boolean {
  return Object.keys(pauses.entries).some((key) => key.startsWith("endpoint:"));
}

function placesOf({ pool, tenant, endpoint }: Pick<Whereabouts, "pool"> & Partial<Whereabouts>): Place[] {
  return [
    { kind: "pool", name: pool },
    ...(tenant === undefined ? [] : [{ kind: "tenant", name: tenant } as const]),
    ...(endpoint === undefined ? [] : [{ kind: "endpoint", name: endpoint } as const]),
  ];
}

function keyOf({ kind, name }: Place): string {
  return `${kind}:${name}`;
}

function placeOf(key: string): Place {
  const at = key.indexOf(":");
  return { kind: key.slice(0, at), name: key.slice(at + 1) } as Place;
}
