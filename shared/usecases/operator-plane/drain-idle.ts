// Ends the workers that idle where the operator drains: at once when that is ordered, then in each reconcile pass.

import type { Pauses } from "../../domain/admission/pauses.ts";
import { hasDrains, isDrained } from "../../domain/admission/pauses.ts";
import type { PoolName } from "../../domain/ids.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { calledOff } from "../../domain/worker/called-off.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { readPauses } from "../dispatch/pause-gate.ts";
import { updateWorker } from "../update.ts";

export type Drained = {
  /** Workers ended, or asked to end, by this look. */
  readonly ended: number;
  /** Workers there that go on to the end of their job. */
  readonly left: number;
};

/** For each reconcile pass: what became idle since is ended too. */
export async function drainPaused(deps: Deps): Promise<Drained> {
  return drainIdle(deps, await readPauses(deps));
}

/** Safe to repeat. One that fails does not keep the others; it fails the whole afterwards. */
export async function drainIdle(deps: Deps, pauses: Pauses): Promise<Drained> {
  if (!hasDrains(pauses)) return { ended: 0, left: 0 };
  const found = await Promise.all([...deps.pools.keys()].map((pool) => drainedIn(deps, pool, pauses)));
  const outcomes = await Promise.allSettled(found.flat().map((worker) => callOff(deps, worker)));
  const faults = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (faults.length > 0) {
    throw new AggregateError(faults, `${faults.length} of ${outcomes.length} workers could not be drained`);
  }
  const ended = outcomes.filter((outcome) => outcome.status === "fulfilled" && outcome.value).length;
  return { ended, left: outcomes.length - ended };
}

/** As the index shows them: one that it does not show yet is seen by the next pass. */
async function drainedIn(deps: Deps, pool: PoolName, pauses: Pauses): Promise<Worker[]> {
  const live = await deps.stores.workers.live(pool);
  return live.filter((worker) => isServing(worker) && isDrained(pauses, worker));
}

async function callOff(deps: Deps, hint: Worker): Promise<boolean> {
  const seen = await deps.stores.workers.get(hint.id);
  if (seen === undefined || (await hasProgramsJob(deps, seen))) return false;
  const { item, changed } = await updateWorker(deps.stores.workers, seen.id, (worker) =>
    worker.jobId === seen.jobId ? calledOff(worker, stepOf(deps, worker)) : undefined,
  );
  if (!changed || item === undefined) return seen.drain?.reason === "operator";
  const event = isServing(item) ? "worker-draining" : "worker-recalled";
  deps.log.info(event, { worker: item.id, job: item.jobId, pool: item.pool, reason: "operator" });
  return true;
}

/** It was started for a job, or given one, and has not come for it yet. */
async function hasProgramsJob(deps: Deps, worker: Worker): Promise<boolean> {
  if (worker.kind !== "program") return false;
  const job = await deps.stores.jobs.get(worker.jobId);
  return job !== undefined && job.workerId === worker.id && !isTerminal(job);
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
