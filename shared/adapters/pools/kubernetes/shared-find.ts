// Looks for workers: one list of the whole pool told to all that ask at about the same time, in place of a list for each.
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Job, V1Pod } from "@kubernetes/client-node";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Found } from "./container-state.ts";
import { LABEL } from "./names.ts";

/** Fewer than that have a list each: it is short, while that of the pool may be of thousands. */
const SHARED_FROM = 4;
/** From one list of the pool to the next: who asks meanwhile waits for that. As long as a stop waits between its looks. */
const GATHER_MS = 250;

/** Undefined: all of the pool. */
export type Find = (workerId?: WorkerId) => Promise<Found>;

type Waiter = {
  readonly workerId: WorkerId | undefined;
  readonly resolve: (found: Found) => void;
  readonly reject: (fault: unknown) => void;
};

/** What is answered was read after the question. `read` makes the calls. */
export function createSharedFind(read: Find): Find {
  let waiting: Waiter[] = [];
  let isBusy = false;

  return (workerId) =>
    new Promise((resolve, reject) => {
      waiting.push({ workerId, resolve, reject });
      if (!isBusy) void answerAll();
    });

  async function answerAll(): Promise<void> {
    isBusy = true;
    // Who asks in the same moment is of the same group.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const isShared = group.length >= SHARED_FROM || group.some(({ workerId }) => workerId === undefined);
      if (isShared) {
        await answerTogether(group);
        if (waiting.length > 0) await sleep(GATHER_MS);
      } else await Promise.all(group.map(answerOne));
    }
    isBusy = false;
  }

  async function answerOne({ workerId, resolve, reject }: Waiter): Promise<void> {
    await read(workerId).then(resolve, reject);
  }

  async function answerTogether(group: readonly Waiter[]): Promise<void> {
    try {
      const all = await read();
      const jobs = byWorker(all.jobs);
      const pods = byWorker(all.pods);
      for (const { workerId, resolve } of group) {
        if (workerId === undefined) resolve(all);
        else resolve({ jobs: jobs.get(workerId) ?? [], pods: pods.get(workerId) ?? [] });
      }
    } catch (fault) {
      for (const { reject } of group) reject(fault);
    }
  }
}

function byWorker<T extends V1Job | V1Pod>(objects: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const object of objects) {
    const id = object.metadata?.labels?.[LABEL.worker] ?? "";
    const known = found.get(id);
    if (known === undefined) found.set(id, [object]);
    else known.push(object);
  }
  return found;
}
