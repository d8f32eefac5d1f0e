// A pool with two endpoints of one size and two tenants, and orders as an operator gives them.
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { AskedPlace } from "../../../shared/usecases/operator-plane/find-places.ts";
import { pausePlace, resumePlace } from "../../../shared/usecases/operator-plane/pause-place.ts";
import { aTemplate, OWNER, REPOSITORY } from "../../domain/builders.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

export const HOUR_MS = 3_600_000;
export const A2 = "linux-aarch64-a2-1";
export const OTHER = "linux-other-1";
export const GLOBEX = { id: 4712, login: "globex", type: "Organization" } as const;
const ORDER = { reason: "driver upgrade", by: "admin" };

export function operatorWorld(options: WorldOptions = {}): World {
  const other = aTemplate({ name: OTHER, selector: OTHER, labels: [], cards: 1, counts: [] });
  return createWorld({
    templates: [aTemplate(), other],
    tenants: [ACME, { ...ACME, owner: GLOBEX.login }],
    ...options,
  });
}

export function queue(world: World, endpoint: string, owner: typeof OWNER | typeof GLOBEX = OWNER) {
  const repository = { ...REPOSITORY, id: owner.id * 10, owner };
  return world.github.queue({ labels: [endpoint], repository });
}

export const pause = (world: World, place: AskedPlace) => pausePlace(world.deps, "pause", place, ORDER);
export const drain = (world: World, place: AskedPlace) => pausePlace(world.deps, "drain", place, ORDER);
export const resume = (world: World, place: AskedPlace) => resumePlace(world.deps, place, ORDER);

/** The workflow jobs of a test that have ended. */
export function completed(world: World, words: readonly WorkflowJobWord[]): WorkflowJobWord[] {
  return words.filter(({ workflowJobId: id }) => world.github.jobs.get(id)?.status === "completed");
}
