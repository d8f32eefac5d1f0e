// A worker's report ends the worker, and the API job it was started for. A workflow job it does not end: GitHub says what
// that is.

import { clipReport } from "../../domain/clip-report.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { finished } from "../../domain/worker/worker-steps.ts";
import type { WorkerReport } from "../../domain/worker-report.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { settleApiJob } from "../ending/end-api-job.ts";
import { updateWorker } from "../update.ts";

/** Safe to repeat; a report for a worker that has ended changes nothing. */
export async function finishWorker(deps: Deps, id: WorkerId, report: WorkerReport): Promise<void> {
  const clipped = clipReport(report);
  const { item, changed } = await updateWorker(deps.stores.workers, id, (worker) =>
    finished(worker, clipped, { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) }),
  );
  if (!changed || item === undefined) return;
  deps.log.info("worker-finished", {
    worker: id,
    job: item.jobId,
    reason: clipped.outcome,
    message: clipped.message,
    // For accounting: whose job it was, and for how long it had these cards.
    repository: clipped.ran?.repository,
    cards: item.cards,
    ms: clipped.ran?.ranMs,
  });
  // Its release settles the job too; a client need not wait until the container is gone.
  if (item.kind === "api-runner") await settleApiJob(deps, item);
}
