// GitHub gave a job to one of our runners: jobs and workers are paired again, each write safe to repeat.
import { decideRebind } from "../domain/binding.ts";
import type { WorkerId } from "../domain/ids.ts";
import { isOwnRunner, parseWorkerId } from "../domain/ids.ts";
import type { Job } from "../domain/job.ts";
import type { Worker } from "../domain/worker.ts";
import type { Deps } from "./deps.ts";
import { retireWorker } from "./retire-worker.ts";
import { updateJob, updateWorker } from "./update.ts";

/** For a job that GitHub says is in progress or completed on a runner of ours. */
export async function rebindJob(deps: Deps, job: Job): Promise<void> {
  const taker = await takerOf(deps, job);
  if (taker === undefined) return;
  const formerId = job.workerId === taker.id ? job.formerWorkerId : job.workerId;
  const rebind = decideRebind({
    job,
    taker,
    displaced: taker.jobId === job.id ? undefined : await deps.stores.jobs.get(taker.jobId),
    former: formerId === undefined ? undefined : await deps.stores.workers.get(formerId),
  });
  // In this order: the job remembers its former worker before anything else changes.
  if (rebind.taken !== undefined) {
    await updateJob(deps.stores.jobs, job.id, (current) => onlyFrom(current, job, rebind.taken));
  }
  const { displaced, freed } = rebind;
  if (displaced !== undefined) {
    deps.log.info("job-rebound", {
      job: displaced.id,
      worker: displaced.workerId,
      reason: displaced.workerId === undefined ? "waits-again" : "swapped",
      message: `its worker ${taker.id} was given ${job.id} by GitHub`,
    });
    await updateJob(deps.stores.jobs, displaced.id, (current) =>
      onlyFrom(current, { workerId: taker.id, version: displaced.version - 1 }, displaced),
    );
  }
  if (freed !== undefined) await pointTo(deps, freed);
  if (rebind.taker !== undefined) await pointTo(deps, rebind.taker);
  if (rebind.surplus !== undefined) await retireWorker(deps, rebind.surplus);
}

async function takerOf(deps: Deps, job: Job): Promise<Worker | undefined> {
  const name = job.github?.runner?.name;
  if (name === undefined || !isOwnRunner(deps.deployment, name)) return undefined;
  const id = parseWorkerId(name);
  return id === undefined ? undefined : deps.stores.workers.get(id);
}

/** The decision holds only for the version it was made on; otherwise the change that won brings us here again. */
function onlyFrom(
  current: Job,
  seen: { readonly workerId: WorkerId | undefined; readonly version: number },
  next: Job | undefined,
): Job | undefined {
  return current.version === seen.version && current.workerId === seen.workerId ? next : undefined;
}

async function pointTo(deps: Deps, next: Worker): Promise<void> {
  await updateWorker(deps.stores.workers, next.id, (current) =>
    current.jobId === next.jobId
      ? undefined
      : { ...current, version: current.version + 1, jobId: next.jobId, drain: undefined },
  );
}
