// What becomes of the API job whose worker has ended: its result, another start, or FAILED with the reason.
import { settledApi } from "../../domain/worker/api-settling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { updateJob } from "../update.ts";
import { noteEnd } from "./end-api-job.ts";

/** Safe to repeat: a job that was settled before is no longer this worker's, or has ended. */
export async function settleApiJob(deps: Deps, worker: Worker): Promise<void> {
  const now = deps.clock.now();
  const random = deps.random.fraction();
  const { item, changed } = await updateJob(deps.stores.jobs, worker.jobId, (job) =>
    settledApi(job, worker, now, random),
  );
  if (changed && item !== undefined) await noteEnd(deps, item);
}
