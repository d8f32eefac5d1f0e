// Watches jobs through the store, the way the table tells it in every form of the product.
import type { EpochMs, JobId, PoolName } from "../../shared/domain/ids.ts";
import type { Job, Phase } from "../../shared/domain/job/job.ts";
import { isTerminal } from "../../shared/domain/job/job.ts";
import { usedCards } from "../../shared/domain/pool/pool.ts";
import type { Worker } from "../../shared/domain/worker/worker.ts";
import type { Stores } from "../../shared/ports/store.ts";

/** The phases of a job without a hold, in order. */
export const SHOWN: readonly Phase[] = [
  "queued",
  "starting",
  "booting",
  "preflight",
  "registering",
  "listening",
  "running",
  "done",
];

export type Seen = {
  readonly job: Job;
  /** Ms from the accepted delivery to the begin of each phase; 0 for a phase its worker was in before. */
  readonly phasesMs: { readonly [phase in Phase]?: number };
};

export type Sample = { readonly cardsHeld: number; readonly total: number; readonly cardsTwice: number };

export async function see(stores: Stores, id: JobId): Promise<Seen | undefined> {
  const job = await stores.jobs.get(id);
  if (job === undefined) return undefined;
  const worker = job.workerId === undefined ? undefined : await stores.workers.get(job.workerId);
  return { job, phasesMs: phasesOf(job, worker) };
}

function phasesOf(job: Job, worker: Worker | undefined): Seen["phasesMs"] {
  const at: { readonly [phase in Phase]?: EpochMs } = { ...job.phases, ...worker?.phases };
  const ended = isTerminal(job) ? job.phases.done : undefined;
  return Object.fromEntries(
    SHOWN.flatMap((phase) => {
      const time = phase === "done" ? ended : at[phase];
      return time === undefined ? [] : [[phase, Math.max(0, time - job.createdAt)]];
    }),
  );
}

export async function sample(stores: Stores, name: PoolName): Promise<Sample> {
  const pool = await stores.pools.get(name);
  if (pool === undefined) return { cardsHeld: 0, total: 0, cardsTwice: 0 };
  const slots = Object.values(pool.reservations).flatMap((entry) => entry.slots);
  return { cardsHeld: usedCards(pool), total: pool.total, cardsTwice: slots.length - new Set(slots).size };
}

/** Workers whose record is not released; the index may lag, so each is looked up. */
export async function liveWorkers(stores: Stores, name: PoolName): Promise<number> {
  const workers = await Promise.all(
    (await stores.workers.live(name)).map(({ id }) => stores.workers.get(id)),
  );
  return workers.filter((worker) => worker !== undefined && worker.state !== "released").length;
}
