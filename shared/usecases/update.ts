// Load, decide, write where nobody else has written since; decide again when somebody has.
import type { JobId, WorkerId } from "../domain/ids.ts";
import type { Job } from "../domain/job/job.ts";
import type { Worker } from "../domain/worker/worker.ts";
import type { JobStore, WorkerStore } from "../ports/store.ts";
import { StoreError } from "../ports/store.ts";

/** Lost races in a row before the caller is told to come again: more than a handful of writers never meet on one item. */
const MAX_RACES = 8;

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
  throw new StoreError(`${noun} ${id}: other writers were first ${MAX_RACES} times in a row; try again`, {
    retryable: true,
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
