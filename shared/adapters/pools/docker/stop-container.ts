// Ends a container and removes it with its volume.
import { setTimeout as sleep } from "node:timers/promises";
import type { PoolName, WorkerId } from "../../../domain/ids.ts";
import type { Log } from "../../../ports/log.ts";
import { removeBuilder } from "./builder.ts";
import { lookAt } from "./container-facts.ts";
import type { Engine } from "./engine/engine.ts";
import { type EngineAnswer, wordsOf } from "./engine/engine-answer.ts";
import { EngineFault } from "./engine/engine-fault.ts";
import type { Owner } from "./labels.ts";

export type StopDeps = {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly pool: PoolName;
  readonly log: Log;
};

/** Another stop needs some 100 ms for its removal; a checkout of some GB some seconds. */
const LEAVING_MS = 2_000;

/** Never fails for the engine's sake: as long as nobody can say that the container is gone, it is stopping. */
export async function stopContainer(
  workerId: WorkerId,
  graceMs: number,
  deps: StopDeps,
): Promise<"gone" | "stopping"> {
  const about = { pool: deps.pool, worker: workerId };
  try {
    return await endAndRemove(workerId, graceMs, deps);
  } catch (error) {
    if (!(error instanceof EngineFault)) throw error;
    deps.log.warn("worker-not-stopped", { ...about, message: error.message, error });
    return "stopping";
  }
}

async function endAndRemove(
  workerId: WorkerId,
  graceMs: number,
  deps: StopDeps,
): Promise<"gone" | "stopping"> {
  const { engine, owner } = deps;
  const found = await lookAt(engine, workerId, owner);
  if (found === "foreign") return "gone";
  const path = `/containers/${workerId}`;
  if (found !== undefined && graceMs > 0) {
    // The engine counts in seconds. It goes on with TERM, grace and KILL when the dispatcher ends meanwhile.
    const query = { t: String(Math.ceil(graceMs / 1_000)) };
    await engine.call({ method: "POST", path: `${path}/stop`, query, extraMs: graceMs });
  }
  // Also of a worker whose container somebody has removed.
  if (!(await removeBuilder(workerId, engine, owner))) return "stopping";
  return found === undefined ? "gone" : await remove(workerId, path, deps);
}

async function remove(
  workerId: WorkerId,
  path: string,
  { engine, pool, log }: StopDeps,
): Promise<"gone" | "stopping"> {
  // Kills what a failed stop left.
  const query = { force: "1", v: "1" };
  const removed = await engine.call({ method: "DELETE", path, query, extraMs: REMOVAL_MS });
  if (removed.status < 300 || isGone(removed)) return "gone";
  if (await isGoneSoon(engine, path)) return "gone";
  const message = wordsOf(removed);
  log.warn("worker-not-stopped", { pool, worker: workerId, status: removed.status, message });
  return "stopping";
}

/** A work folder of some 100,000 files takes a disk seconds. */
const REMOVAL_MS = 15_000;

/** Another stop removes it: "removal of container … is already in progress". */
async function isGoneSoon(engine: Engine, path: string): Promise<boolean> {
  const deadline = performance.now() + LEAVING_MS;
  while (performance.now() < deadline) {
    if (isGone(await engine.call({ method: "GET", path: `${path}/json` }))) return true;
    await sleep(50);
  }
  return false;
}

function isGone({ status }: EngineAnswer): boolean {
  return status === 404;
}
