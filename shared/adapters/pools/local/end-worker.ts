// Ends a worker of a local pool wherever a crash left it; its folder stays.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../../domain/ids.ts";
import { endProcesses } from "./end-processes.ts";
import { marker, type Place } from "./locate-worker.ts";

/** How long a start by another dispatcher is waited for. */
const STARTING_MS = 2_000;

/** True when nothing of it is left; false at the latest 2 s after the grace. */
export type EndWorker = (workerId: WorkerId, graceMs: number) => Promise<boolean>;

export function createEndWorker(locate: (workerId: WorkerId) => Promise<Place>): EndWorker {
  const termed = new Set<WorkerId>();

  return async (workerId, graceMs) => {
    const place = await settled(workerId);
    if (place.type === "starting") return false;
    const leader = place.type === "process" ? place.process : undefined;
    // One TERM per worker: a program may take a second one for impatience.
    const term = !termed.has(workerId);
    termed.add(workerId);
    const target = { leader, marker: marker(workerId), sinceTicks: leader?.startTicks ?? 0 };
    const ended = await endProcesses(target, graceMs, { term });
    if (ended) termed.delete(workerId);
    return ended;
  };

  async function settled(workerId: WorkerId): Promise<Place> {
    const deadline = performance.now() + STARTING_MS;
    for (;;) {
      const place = await locate(workerId);
      if (place.type !== "starting" || performance.now() > deadline) return place;
      await sleep(10);
    }
  }
}
