// Long polls of a program: for a job, and for word that its job is to stop. Held for a while where a process can hold.
import type { JobId, WorkerId } from "../../domain/ids.ts";
import { isServing } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import type { Ask, GiveOutcome } from "./give-job.ts";
import { giveJob } from "./give-job.ts";

export type Hold = {
  /** How long a poll without an answer is held, ms; 0 where the answer must be given at once. */
  readonly holdMs: number;
  /** Aborted when the worker has closed its connection: nothing is given to a socket that nobody reads. */
  readonly signal: AbortSignal;
  /** Waits; resolves early when `signal` is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Between two looks at the table: four reads a second per waiting worker, each some 50 µs in the embedded store. */
const LOOK_MS = 250;
/** A worker that goes on asking what to stop is told again at most this often. */
const REPEAT_MS = 1_000;

export async function awaitJob(deps: Deps, id: WorkerId, ask: Ask, hold: Hold): Promise<GiveOutcome> {
  const said = { ...ask, saidAt: deps.clock.now() };
  let outcome = await giveJob(deps, id, said);
  const wasServing = outcome.type === "nothing" && outcome.waits;
  for (let held = 0; outcome.type === "nothing" && held < hold.holdMs; held += LOOK_MS) {
    // RunPod's SDK leaves on TERM only when its poll has returned: one that was told to end is let go at once.
    if (wasServing && !outcome.waits) break;
    await hold.pause(LOOK_MS, hold.signal);
    if (hold.signal.aborted) break;
    outcome = await giveJob(deps, id, { ...said, isHeld: true });
  }
  return outcome;
}

/** Jobs that the worker is to stop: it was told to end while it held one. */
export async function awaitStop(deps: Deps, id: WorkerId, hold: Hold): Promise<readonly JobId[]> {
  let jobs = await jobsToStop(deps, id);
  if (jobs !== undefined && hold.holdMs > 0) await hold.pause(REPEAT_MS, hold.signal);
  for (let held = 0; jobs === undefined && held < hold.holdMs && !hold.signal.aborted; held += LOOK_MS) {
    await hold.pause(LOOK_MS, hold.signal);
    jobs = await jobsToStop(deps, id);
  }
  return jobs ?? [];
}

/** Undefined as long as the worker may go on. */
async function jobsToStop(deps: Deps, id: WorkerId): Promise<readonly JobId[] | undefined> {
  const worker = await deps.stores.workers.get(id);
  if (worker !== undefined && isServing(worker)) return undefined;
  return worker?.lease === undefined ? [] : [worker.lease.jobId];
}
