// Containers that ended by themselves while their workers are not known to have: nobody waits for a missed heartbeat.
import type { PoolName, WorkerId } from "../../domain/ids.ts";
import { isServing } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { reviveWorker } from "./look-at-worker.ts";
import { each } from "./pass/each.ts";
import type { PlannedStop } from "./planned-stops.ts";
import { performStops } from "./planned-stops.ts";

/** `stops`: takes up what turns out to be more than an end. */
export async function noticeEnded(deps: Deps, name: PoolName, stops: PlannedStop[]): Promise<void> {
  const driver = deps.pools.get(name)?.driver;
  await each((await driver?.ended()) ?? [], (id) => notice(deps, id, stops));
}

/** The pool has just told so of one. */
export async function noticeEnd(deps: Deps, id: WorkerId): Promise<void> {
  const stops: PlannedStop[] = [];
  await notice(deps, id, stops);
  await performStops(deps, stops);
}

async function notice(deps: Deps, id: WorkerId, stops: PlannedStop[]): Promise<void> {
  const worker = await deps.stores.workers.get(id);
  // One that is still `reserving` has its start resumed, which finds the container.
  if (worker === undefined || !isServing(worker) || worker.state === "reserving") return;
  const stop = await reviveWorker(deps, worker);
  if (stop !== undefined) stops.push(stop);
}
