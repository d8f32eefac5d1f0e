// Notes where a worker's cards are, before its container goes and nobody can tell any more.
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { updateWorker } from "../update.ts";
import { glimpse } from "./glimpse.ts";

/** Asks the pool only where the worker's end says something of its cards that its record cannot tell. Safe to repeat. */
export async function locateCards(deps: Deps, worker: Worker): Promise<Worker> {
  const driver = deps.pools.get(worker.pool)?.driver;
  if (driver === undefined || worker.place !== undefined || worker.cards === 0) return worker;
  const isAsked =
    driver.capabilities.nodes === true ? await saysSomething(deps, worker) : namesSomeCards(worker);
  if (!isAsked) return worker;
  const container = await glimpse(deps, worker, "cards-not-located");
  // Then its cards are given back without a word on them, and not held for one.
  if (container === undefined || container.type === "gone") return worker;
  const { node, devices } = container;
  if (node === undefined && devices === undefined) return worker;
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.state === "released" ? undefined : { ...current, place: { node, devices } },
  );
  return item ?? worker;
}

/** A failed preflight blames them; a job that ran clears them, should they have been blamed before. */
async function saysSomething({ stores }: Deps, { pool, report }: Worker): Promise<boolean> {
  if (report?.outcome === "preflight-failed") return true;
  if (report?.outcome !== "ran") return false;
  return Object.keys((await stores.pools.get(pool))?.trouble ?? {}).length > 0;
}

/** By the host's numbers, which need not be those of its slots. */
function namesSomeCards({ slots, report }: Worker): boolean {
  return slots.length > 0 && report?.outcome === "preflight-failed" && report.badCards !== undefined;
}
