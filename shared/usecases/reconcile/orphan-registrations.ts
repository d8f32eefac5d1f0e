// Runners registered under our name whose worker is gone: an ephemeral one that took no job would stay for a day, and could
// be given a job that nobody runs. Owner after owner, all of them in ten minutes; what two rounds see is removed.

import { REGISTRATIONS_ROUND_MS } from "../../domain/deadlines.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { isOwnRunner } from "../../domain/ids.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { Cursor } from "../../domain/upkeep/marks.ts";
import { isLive } from "../../domain/worker/worker.ts";
import type { GithubRunner } from "../../ports/github.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { each } from "./pass/each.ts";
import { seenTwice } from "./pass/remember.ts";
import type { KnownPlace } from "./runner-places.ts";
import { runnerPlaces } from "./runner-places.ts";

/** Owners in one pass: one listing each, 1 s or so. 100 owners are through in 20 passes. */
const PLACES_A_PASS = 5;
/** Removals at one owner in one round: clean-up is what GitHub's calls are for last. */
const REMOVALS = 20;
const CURSOR = "registrations";

export async function removeOrphanRegistrations(deps: Deps): Promise<void> {
  const { marks } = deps.stores;
  const now = deps.clock.now();
  const mark = await marks.get("cursor", CURSOR);
  const isRoundOver = mark?.value.after === undefined;
  if (isRoundOver && mark !== undefined && !isOver(mark.value.roundAt, REGISTRATIONS_ROUND_MS, now)) return;
  const roundAt = isRoundOver ? now : Math.min(mark.value.roundAt, now);
  const after = mark?.value.after ?? "";
  const left = (await runnerPlaces(deps)).filter(({ name }) => name > after);
  const some = left.slice(0, PLACES_A_PASS);
  const last = left.length > some.length ? some.at(-1)?.name : undefined;
  const value: Cursor = { after: last, roundAt };
  // Before the work: a place that fails is looked at in the next round, and keeps no other waiting.
  if (!(await marks.put("cursor", CURSOR, { version: (mark?.version ?? 0) + 1, value }))) return;
  await each(some, (place) => cleanUp(deps, place));
}

async function cleanUp(deps: Deps, place: KnownPlace): Promise<void> {
  try {
    const runners = await deps.github.listRunners(place.caller, place.scope);
    const orphans = await withoutWorker(deps, runners);
    const names = await seenTwice(deps, `runners of ${place.name}`, [...orphans.keys()]);
    await each(names.slice(0, REMOVALS), async (name) => remove(deps, place, name, orphans.get(name)));
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    // The App was uninstalled, or GitHub has no calls left for clean-up: the next round asks again.
    deps.log.warn("runners-not-listed", { tenant: place.name, message: error.message, error });
  }
}

async function withoutWorker(
  deps: Deps,
  runners: readonly GithubRunner[],
): Promise<Map<WorkerId, GithubRunner>> {
  const orphans = new Map<WorkerId, GithubRunner>();
  for (const runner of runners) {
    if (runner.busy || !isOwnRunner(deps.deployment, runner.name)) continue;
    const id = runner.name as WorkerId;
    const worker = await deps.stores.workers.get(id);
    // One that ends removes its own.
    if (worker === undefined || !isLive(worker)) orphans.set(id, runner);
  }
  return orphans;
}

async function remove(
  deps: Deps,
  place: KnownPlace,
  name: WorkerId,
  runner: GithubRunner | undefined,
): Promise<void> {
  // Looked at again: its worker may have pinged and been adopted while other places were asked.
  const worker = await deps.stores.workers.get(name);
  if (runner === undefined || (worker !== undefined && isLive(worker))) return;
  const outcome = await deps.github.deleteRunner(place.caller, place.scope, runner.id);
  const event = outcome === "deleted" ? "orphan-deregistered" : "orphan-left";
  deps.log.warn(event, { worker: name, tenant: place.name, reason: "no live worker", state: outcome });
}
