// Containers that a pool lists and no live record knows. One whose worker pings is adopted (adopt-worker.ts) and thereby
// known; what is still unknown at a second look, a minute later, is deregistered, then stopped.
import { STOP_GRACE_MS } from "../../domain/deadlines.ts";
import type { PoolName, WorkerId } from "../../domain/ids.ts";
import { isOwnRunner } from "../../domain/ids.ts";
import { buried } from "../../domain/worker/adoption.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isLive } from "../../domain/worker/worker.ts";
import type { PoolDriver } from "../../ports/pool-driver.ts";
import type { Deps } from "../deps.ts";
import type { Removal } from "../ending/remove-registration.ts";
import { removeOwnRegistration, removeRegistration } from "../ending/remove-registration.ts";
import { each } from "./pass/each.ts";
import { seenTwice } from "./pass/remember.ts";
import type { PlannedStop } from "./planned-stops.ts";
import { runnerPlaces } from "./runner-places.ts";

/** Looked at in one pass; the rest is once these are gone. */
const MAX_ORPHANS = 100;
/**
 * Without a record nobody knows where its runner is registered: so many places are asked before it is stopped all the
 * same.
 */
const MAX_PLACES = 10;

/** `stops`: takes up those of containers that run. One that has ended is removed at once. */
export async function findOrphanContainers(deps: Deps, name: PoolName, stops: PlannedStop[]): Promise<void> {
  const driver = deps.pools.get(name)?.driver;
  if (driver === undefined) return;
  const orphans = await seenTwice(deps, `containers of ${name}`, await withoutRecord(deps, name, driver));
  await each(orphans, async (id) => {
    const container = await driver.inspect(id);
    if (container.type === "running") stops.push(stopOf(deps, name, id));
    else await driver.stop(id, 0);
  });
}

async function withoutRecord(deps: Deps, name: PoolName, driver: PoolDriver): Promise<WorkerId[]> {
  // The listing first: a worker that is started meanwhile is then in the index, not in the listing.
  const listed = await driver.list();
  if (listed.length === 0) return [];
  const known = new Set(await deps.stores.workers.liveIds(name));
  const strangers = listed
    .filter((id) => !known.has(id) && isOwnRunner(deps.deployment, id))
    .slice(0, MAX_ORPHANS);
  const records = await Promise.all(strangers.map((id) => deps.stores.workers.get(id)));
  return strangers.filter((_, index) => !isKnown(records[index]));
}

function isKnown(record: Worker | undefined): boolean {
  return record !== undefined && isLive(record);
}

function stopOf(deps: Deps, pool: PoolName, id: WorkerId): PlannedStop {
  return {
    worker: id,
    pool,
    reason: "a container without a live record",
    run: () => stopOrphan(deps, pool, id),
    // It is seen in the next look, whoever asks for that.
    halted: async () => {},
  };
}

/**
 * Deregistered first: while GitHub counts a job on its runner it is left alone, and its worker may ping and be adopted
 * until the very end. The record that is written before the stop is the end of that: behind it nobody adopts.
 */
async function stopOrphan(deps: Deps, pool: PoolName, id: WorkerId): Promise<void> {
  const record = await deps.stores.workers.get(id);
  if (isKnown(record)) return;
  const removal = await deregister(deps, id, record);
  if (removal.type !== "gone") {
    const message =
      removal.type === "busy" ? "GitHub counts a job on its runner" : "GitHub did not remove its runner";
    deps.log.warn("orphan-left", {
      worker: id,
      pool,
      reason: removal.type,
      message: `${message}: looked at again`,
    });
    return;
  }
  if (record === undefined && !(await deps.stores.workers.create(buried(id, pool, deps.clock.now())))) return;
  const outcome = await deps.pools.get(pool)?.driver.stop(id, STOP_GRACE_MS);
  const how = record === undefined ? "no record of it" : "its worker was released";
  deps.log.warn("orphan-stopped", { worker: id, pool, state: outcome, reason: how });
}

async function deregister(deps: Deps, id: WorkerId, record: Worker | undefined): Promise<Removal> {
  if (record !== undefined) return removeOwnRegistration(deps, record);
  for (const place of (await runnerPlaces(deps)).slice(0, MAX_PLACES)) {
    // Adopted while the place before was asked: its runner stays, and so does it.
    if ((await deps.stores.workers.get(id)) !== undefined) break;
    const removal = await removeRegistration(deps, place, id);
    if (removal.type !== "gone") return removal;
  }
  return { type: "gone" };
}
