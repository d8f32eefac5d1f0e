// Pause, drain and resume of a pool, an endpoint or a tenant, by an operator.

import type { PauseMode, Pauses, Place } from "../../domain/admission/pauses.ts";
import { NO_PAUSES, paused, pausedAt, resumed } from "../../domain/admission/pauses.ts";
import type { PoolName } from "../../domain/ids.ts";
import type { Deps } from "../deps.ts";
import { dispatchPool } from "../dispatch/dispatch-pool.ts";
import { PAUSES, readPauses } from "../dispatch/pause-gate.ts";
import { lostRaces, MAX_RACES } from "../update.ts";
import { drainIdle } from "./drain-idle.ts";
import type { AskedPlace } from "./find-places.ts";
import { findPlaces } from "./find-places.ts";

/** Who orders it, and why. */
export type Order = { readonly reason: string; readonly by: string };

/** `message`: for the operator, what happened or what is wrong. */
export type OperatorOutcome =
  | { readonly type: "done"; readonly message: string }
  | { readonly type: "unknown"; readonly message: string }
  | { readonly type: "refused"; readonly message: string };

/** In force when this answers, for every dispatch pass that begins from then on. */
export async function pausePlace(
  deps: Deps,
  mode: PauseMode,
  asked: AskedPlace,
  order: Order,
): Promise<OperatorOutcome> {
  const found = await findPlaces(deps, asked, await readPauses(deps));
  if (found.type === "unknown") return found;
  const pause = { mode, ...order, at: deps.clock.now() };
  const add = (pauses: Pauses) => found.places.reduce((all, place) => paused(all, place, pause), pauses);
  await updatePauses(deps, add);
  note(deps, mode === "pause" ? "paused" : "draining", found.places, order);
  const what = namesOf(found.places);
  if (mode === "pause") return done(`${what} paused: nothing new starts, what runs goes on`);
  const { ended, left } = await drainIdle(deps, add(NO_PAUSES));
  return done(`${what} draining: ${ended} workers without a job end, ${left} go on to the end of theirs`);
}

/** What waits there starts at once, as far as cards are free. */
export async function resumePlace(deps: Deps, asked: AskedPlace, order: Order): Promise<OperatorOutcome> {
  const found = await findPlaces(deps, asked, await readPauses(deps));
  if (found.type === "unknown") return found;
  let were: readonly Place[] = [];
  await updatePauses(deps, (pauses) => {
    were = found.places.filter((place) => pausedAt(pauses, place) !== undefined);
    return found.places.reduce(resumed, pauses);
  });
  if (were.length === 0) return done(`${namesOf(found.places)} not paused: nothing is changed`);
  note(deps, "resumed", were, order);
  await startWaiting(deps);
  return done(`${namesOf(were)} resumed`);
}

/** Not the order's matter: should a pool be away, the reconciler comes by within a minute. */
export async function startWaiting(
  deps: Deps,
  pools: readonly PoolName[] = [...deps.pools.keys()],
): Promise<void> {
  const passes = await Promise.allSettled(pools.map((name) => dispatchPool(deps, name)));
  for (const [index, pass] of passes.entries()) {
    if (pass.status === "rejected") {
      deps.log.warn("dispatch-delayed", { pool: pools[index], error: pass.reason });
    }
  }
}

async function updatePauses(deps: Deps, decide: (pauses: Pauses) => Pauses): Promise<void> {
  const { marks } = deps.stores;
  for (let race = 0; race < MAX_RACES; race++) {
    const seen = await marks.get(PAUSES.kind, PAUSES.id);
    const before = seen?.value ?? NO_PAUSES;
    const value = decide(before);
    if (value === before) return;
    if (await marks.put(PAUSES.kind, PAUSES.id, { version: (seen?.version ?? 0) + 1, value })) return;
  }
  throw lostRaces("pauses");
}

function done(message: string): OperatorOutcome {
  return { type: "done", message };
}

function namesOf(places: readonly Place[]): string {
  const [first] = places;
  const names = places.map(({ name }) => name).join(", ");
  return places.length === 1 ? `${first?.kind} ${names} is` : `${first?.kind}s ${names} are`;
}

function note(deps: Deps, what: string, places: readonly Place[], { reason, by }: Order): void {
  for (const { kind, name } of places) {
    deps.log.warn("operator-order", { [kind]: name, reason: what, message: `${what} by ${by}: ${reason}` });
  }
}
