// Who told a worker to end, in its pool's words, before its container goes and nobody can tell any more.
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { updateWorker } from "../update.ts";
import { glimpse } from "./glimpse.ts";

/** Asks the pool only where the worker was told by somebody else than its dispatcher. Safe to repeat. */
export async function nameStopper(deps: Deps, worker: Worker): Promise<Worker> {
  const isForeign = worker.report?.outcome === "cancelled" && worker.drain === undefined;
  if (!isForeign || worker.lostWhy !== undefined) return worker;
  const container = await glimpse(deps, worker, "stopper-not-named");
  if (container === undefined || container.type === "gone") return worker;
  const why = container.type === "running" ? container.ending : container.reason;
  if (why === undefined) return worker;
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.state === "released" ? undefined : { ...current, lostWhy: `its container ${why}` },
  );
  return item ?? worker;
}
