// Load, decide, write where nobody else has written since; decide again when somebody has.
import type { Backoff } from "../domain/backoff.ts";
import { backoffMs } from "../domain/backoff.ts";
import type { JobId, PoolName, WorkerId } from "../domain/ids.ts";
import type { Job } from "../domain/job/job.ts";
import type { Pool } from "../domain/pool/pool.ts";
import type { Worker } from "../domain/worker/worker.ts";
import type { JobStore, PoolStore, WorkerStore } from "../ports/store.ts";
import { StoreError } from "../ports/store.ts";
import type { Deps } from "./deps.ts";

/** Lost races in a row before the caller is told to come again: more than a handful of writers never meet on one item. */
export const MAX_RACES = 8;
/**
 * All processes meet on a pool's item, each with one writer. Ten races with these pauses take a second and a half on the
 * average: long enough for a hundred writes of others.
 */
const MAX_POOL_RACES = 10;
const POOL_RACE: Backoff = { minMs: 5, maxMs: 500 };

type Versioned = { readonly version: number };

type Replaceable<T> = { replace(next: T): Promise<boolean> };

export type Updated<T> = { readonly item: T | undefined; readonly changed: boolean };

/** `decide` answers undefined (or the same object) when nothing is to be written. */
export function updateJob(
  jobs: JobStore,
  id: JobId,
  decide: (job: Job) => Job | undefined,
): Promise<Updated<Job>> {
  return update("job", id, () => jobs.get(id), jobs, decide, undefined);
}

/** `seen`: the worker as this request has just read it, which saves the first read. */
export function updateWorker(
  workers: WorkerStore,
  id: WorkerId,
  decide: (worker: Worker) => Worker | undefined,
  seen?: Worker,
): Promise<Updated<Worker>> {
  return update("worker", id, () => workers.get(id), workers, decide, seen);
}

/**
 * Decides on a workflow job and the worker that it names. The job is read first, and whoever turns its worker to another
 * job writes the job after that (rebind-job.ts): what was decided on the two as they were is never written.
 */
export function updatePair(
  { jobs, workers }: { readonly jobs: JobStore; readonly workers: WorkerStore },
  id: JobId,
  decide: (job: Job, worker: Worker | undefined) => Job | undefined,
): Promise<Updated<Job>> {
  let worker: Worker | undefined;
  const get = async () => {
    const job = await jobs.get(id);
    worker = job?.workerId === undefined ? undefined : await workers.get(job.workerId);
    return job;
  };
  return update("job", id, get, jobs, (job) => decide(job, worker), undefined);
}

async function update<T extends Versioned>(
  noun: string,
  id: string,
  get: () => Promise<T | undefined>,
  store: Replaceable<T>,
  decide: (item: T) => T | undefined,
  seen: T | undefined,
): Promise<Updated<T>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const item = race === 0 && seen !== undefined ? seen : await get();
    if (item === undefined) return { item, changed: false };
    const next = decide(item);
    if (next === undefined || next === item) return { item, changed: false };
    const written = await replaceSeen(store, item, next);
    if (written !== undefined) return { item: written, changed: true };
  }
  throw lostRaces(`${noun} ${id}`);
}

export function lostRaces(what: string): StoreError {
  return new StoreError(`${what}: other writers were first again and again; try again`, { retryable: true });
}

/** A change of a pool, by what it is then; the same object where there is nothing to change. It may be asked again. */
export type PoolStep = (pool: Pool) => Pool;

export type PoolUpdate =
  /** `pool`: as it is stored now, with what others have changed in the same write. `changed`: by this step. */
  | { readonly type: "done"; readonly pool: Pool; readonly changed: boolean }
  /** Nothing has ever started there. */
  | { readonly type: "missing" }
  /** Other processes were first each time. Nothing of this step is written: whoever asked leaves it to the reconciler. */
  | { readonly type: "contended" };

type Waiter = {
  readonly step: PoolStep;
  readonly resolve: (outcome: PoolUpdate) => void;
  readonly reject: (fault: unknown) => void;
};
/** `seen`: the newest version that a caller has read. `version`: of the last write. */
type Writer = { waiting: Waiter[]; isBusy: boolean; seen: Pool | undefined; version: number };

type PoolDeps = Pick<Deps, "random" | "pause" | "log"> & { readonly stores: Pick<Deps["stores"], "pools"> };

/**
 * One writer per pool and process: what has gathered while it wrote is written together, as one replacement, and not at
 * all when nothing changes. N callers at once cost two or three writes, where N writers would need N²/2.
 * `seen`: the pool as the caller has just read it, which saves a read.
 */
export function updatePool(deps: PoolDeps, name: PoolName, step: PoolStep, seen?: Pool): Promise<PoolUpdate> {
  const writer = writerOf(deps.stores.pools, name);
  return new Promise((resolve, reject) => {
    writer.waiting.push({ step, resolve, reject });
    if (seen !== undefined && seen.version > (writer.seen?.version ?? 0)) writer.seen = seen;
    if (!writer.isBusy) void writeAll(deps, name, writer);
  });
}

/**
 * Writes `next` where the store still has `seen`, and counts the version: nothing else does, so that steps compose.
 * Answers the item as it is stored now; undefined when somebody else has written since.
 */
export async function replaceSeen<T extends Versioned>(
  store: Replaceable<T>,
  seen: T,
  next: T,
): Promise<T | undefined> {
  const written = { ...next, version: seen.version + 1 };
  return (await store.replace(written)) ? written : undefined;
}
async function writeAll(deps: PoolDeps, name: PoolName, writer: Writer): Promise<void> {
  writer.isBusy = true;
  while (writer.waiting.length > 0) {
    const group: Waiter[] = [];
    try {
      await writeTogether(deps, name, writer, group);
    } catch (fault) {
      // Those whom the store did not even let read are told too.
      const told = group.length > 0 ? group : writer.waiting.splice(0);
      for (const { reject } of told) reject(fault);
    }
  }
  writer.isBusy = false;
}

/** Takes those that wait into `group`, and tells each its outcome. */
async function writeTogether(
  { stores: { pools }, random, pause, log }: PoolDeps,
  name: PoolName,
  writer: Writer,
  group: Waiter[],
): Promise<void> {
  for (let race = 0; race < MAX_POOL_RACES; race++) {
    if (race > 0) await pause(backoffMs(race, random.fraction(), POOL_RACE));
    const pool = seenBy(writer) ?? (await pools.get(name));
    // Taken only now: those that came while the store answered are written too.
    group.push(...writer.waiting.splice(0));
    if (pool === undefined) return tellAll(group, { type: "missing" });
    const { next, tell } = together(pool, group);
    if (next === pool) return tell(pool);
    const written = { ...next, version: pool.version + 1 };
    if (await pools.replace(written)) {
      writer.version = written.version;
      return tell(written);
    }
  }
  const message = `other processes wrote it first ${MAX_POOL_RACES} times in a row; the next pass of the reconciler goes on`;
  log.warn("pool-contended", { pool: name, count: group.length, message });
  tellAll(group, { type: "contended" });
}

function tellAll(group: readonly Waiter[], outcome: PoolUpdate): void {
  for (const { resolve } of group) resolve(outcome);
}

/** Used once, and not where this process has written since. */
function seenBy(writer: Writer): Pool | undefined {
  const { seen, version } = writer;
  writer.seen = undefined;
  return seen !== undefined && seen.version >= version ? seen : undefined;
}

/** One step after the other; one that throws fails its own caller and nobody else. */
function together(pool: Pool, group: readonly Waiter[]): { next: Pool; tell: (stored: Pool) => void } {
  let next = pool;
  const changed = group.map(({ step }) => {
    const before = next;
    try {
      next = step(before);
      return { changed: next !== before };
    } catch (fault) {
      return { fault };
    }
  });
  const tell = (stored: Pool) => {
    for (const [at, { resolve, reject }] of group.entries()) {
      const one = changed[at];
      if (one?.changed === undefined) reject(one?.fault);
      else resolve({ type: "done", pool: stored, changed: one.changed });
    }
  };
  return { next, tell };
}

function writerOf(pools: PoolStore, name: PoolName): Writer {
  const writers = WRITERS.get(pools) ?? new Map<PoolName, Writer>();
  WRITERS.set(pools, writers);
  const writer = writers.get(name) ?? { waiting: [], isBusy: false, seen: undefined, version: 0 };
  writers.set(name, writer);
  return writer;
}

/** By the store, of which a process has one. */
const WRITERS = new WeakMap<PoolStore, Map<PoolName, Writer>>();
