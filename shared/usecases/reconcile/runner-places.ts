// The places at GitHub where runners of ours may be registered: of live workers, and of repositories that had jobs.

import { settingsOf } from "../../domain/admission/tenant.ts";
import { tenantId } from "../../domain/ids.ts";
import type { SeenRepository } from "../../domain/job/repository.ts";
import { pathOf, type RunnerScope, scopeOf } from "../../domain/runner-scope.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { callerAt } from "../ending/github-caller.ts";
import type { RunnerPlace } from "../ending/remove-registration.ts";

/** In the order of their names, so that a cursor can stand between two of them. */
export type KnownPlace = RunnerPlace & { readonly name: string };

/** Repositories asked for; with more than these, those without a job for the longest time are left to GitHub. */
const MAX_REPOSITORIES = 1_000;

export async function runnerPlaces(deps: Pick<Deps, "stores" | "pools" | "tenants">): Promise<KnownPlace[]> {
  const { repositories, workers } = deps.stores;
  const live = await Promise.all([...deps.pools.keys()].map((name) => workers.live(name)));
  const seen = await repositories.list(MAX_REPOSITORIES);
  const places = [
    ...live.flat().filter(isWorkflowRunner).map(placeOfWorker),
    ...seen.map((one) => placeOf(deps, one)),
  ];
  // Of two with one name the later stays: a repository knows its installation.
  const byName = new Map(places.map((place) => [place.name, place]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** An API job's runner may be registered with a token that came with its request, where the App can do nothing. */
function isWorkflowRunner({ kind = "github" }: Worker): boolean {
  return kind === "github";
}

function placeOfWorker({ scope }: Worker): KnownPlace {
  return { name: nameOf(scope), scope, caller: callerAt(scope) };
}

/** As for a job of it. */
function placeOf(deps: Pick<Deps, "tenants">, { owner, name, installationId }: SeenRepository): KnownPlace {
  const level = settingsOf(deps.tenants, { id: tenantId(owner.id), login: owner.login })?.level;
  const scope = scopeOf({ owner, name }, level);
  return { name: nameOf(scope), scope, caller: { owner, installationId } };
}

function nameOf(scope: RunnerScope): string {
  return pathOf(scope).toLowerCase();
}
