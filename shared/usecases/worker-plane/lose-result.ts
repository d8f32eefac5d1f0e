// A program no longer knows of the job that it had: its result was lost on the way, and nothing will bring it back.
//
// The job has FAILED at once, with that reason, and is not started again by itself: the work was done, and may have had
// effects. Who can repeat it sends `/retry`.
import { isTerminal } from "../../domain/job/job.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { unleased } from "../../domain/worker/worker-lease.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { endApiJob } from "../ending/end-api-job.ts";
import { updateWorker } from "../update.ts";

/** `how`: what the worker did, for people. Answers the worker, free for the next job; undefined when it has another by now. */
export async function loseResult(deps: Deps, worker: Worker, how: string): Promise<Worker | undefined> {
  const { lease } = worker;
  if (lease === undefined) return undefined;
  const job = await deps.stores.jobs.get(lease.jobId);
  if (job !== undefined && !isTerminal(job)) {
    const message = `its worker ${worker.id} had the job, then ${how}: the result was lost`;
    await endApiJob(deps, worker, job.id, {
      state: "FAILED",
      reason: "result-lost",
      message,
      error: `${message}; use /retry if the work may be repeated`,
    });
  }
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    unleased(current, lease, {
      now: deps.clock.now(),
      limits: limitsOf(deps, current.endpoint),
    }),
  );
  return item?.lease === undefined ? item : undefined;
}
