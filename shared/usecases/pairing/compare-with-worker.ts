// A due API job is compared with the worker that it names. Whatever a crash or a lost race left crooked is put straight
// here: no job waits for good for a worker that serves another one, or is gone.
import type { ApiEnd } from "../../domain/job/api-steps.ts";
import { endedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { requeue } from "../../domain/job/job-steps.ts";
import { settledApi } from "../../domain/worker/api-settling.ts";
import { comparePair } from "../../domain/worker/compare-pair.ts";
import type { Deps } from "../deps.ts";
import { noteEnd } from "../ending/end-api-job.ts";
import { updateJob } from "../update.ts";

/** Answers whether the job was changed: it waits again, or has ended. */
export async function compareWithWorker(deps: Deps, seen: Job): Promise<boolean> {
  const { workerId } = seen;
  if (workerId === undefined || isTerminal(seen)) return false;
  const worker = await deps.stores.workers.get(workerId);
  switch (comparePair(seen, worker)) {
    case "paired":
      return false;
    case "apart":
      return change(deps, seen, requeue);
    case "lost":
      return change(deps, seen, (job) => endedApi(job, lostAt(workerId), deps.clock.now()));
    case "ended":
      return change(deps, seen, (job) =>
        worker === undefined ? job : settledApi(job, worker, deps.clock.now(), deps.random.fraction()),
      );
    case "unknown":
      return (await runs(deps, seen))
        ? false
        : change(deps, seen, (job) => endedApi(job, goneAt(workerId), deps.clock.now()));
  }
}

/** What was learnt is about the job as it was then. */
async function change(deps: Deps, seen: Job, next: (job: Job) => Job): Promise<boolean> {
  const { item, changed } = await updateJob(deps.stores.jobs, seen.id, (job) =>
    job.version === seen.version ? next(job) : undefined,
  );
  if (!changed || item === undefined) return false;
  const { id: job, workerId: worker, state } = item;
  deps.log.warn("job-without-worker", { job, worker: seen.workerId ?? worker, state });
  await noteEnd(deps, item);
  return true;
}

/** Then it is adopted with its next ping. Without its pool nobody can say that it is gone. */
async function runs(deps: Deps, { pool, workerId }: Job): Promise<boolean> {
  const driver = deps.pools.get(pool)?.driver;
  if (driver === undefined || workerId === undefined) return true;
  return (await driver.inspect(workerId)).type === "running";
}

function lostAt(worker: string): ApiEnd {
  const message = `its worker ${worker} was given the job and has turned to something else: the result was lost`;
  return {
    state: "FAILED",
    reason: "result-lost",
    message,
    error: `${message}; use /retry if the work may be repeated`,
  };
}

function goneAt(worker: string): ApiEnd {
  const message = `its worker ${worker} is gone, and so is the record of it; the work may have been done in part`;
  return { state: "FAILED", reason: "worker-lost", message, error: message };
}
