// The last word of a worker: on disk first, then to the dispatcher, for as long as it may take it to come back.
import { REPORT_RETRY_MS } from "../../shared/domain/deadlines.ts";
import { isFailedStart, type WorkerReport } from "../../shared/domain/worker-report.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { JobDone } from "../../shared/protocol/worker-plane.ts";
import type { WorkerClock } from "../clock.ts";
import { askUntil } from "./ask-until.ts";
import type { ResultPlace } from "./left-result.ts";
import { keepResult, takeBackResult } from "./left-result.ts";
import type { RunPodClient } from "./runpod-client.ts";

export type DeliverDeps = {
  readonly client: Pick<RunPodClient, "done">;
  readonly clock: WorkerClock;
  readonly random: () => number;
  readonly log: Log;
} & ResultPlace;

/** True: the dispatcher has it. False: it is left where the pool can read it. `signal` ends the retries. */
export async function deliverReport(
  deps: DeliverDeps,
  jobId: string,
  report: WorkerReport,
  signal: AbortSignal,
): Promise<boolean> {
  const body = jobDoneBody(report);
  const written = await keepResult(deps, body);
  const onLater = (message: string) => deps.log.warn("report-delayed", { job: jobId, message });
  const answer = await askUntil({ ...deps, limitMs: REPORT_RETRY_MS, signal, onLater }, () =>
    deps.client.done(jobId, body, signal),
  );
  if (answer.type === "accepted") {
    if (written) await takeBackResult(deps);
    return true;
  }
  deps.log.error("report-left", {
    job: jobId,
    reason: answer.message,
    message: "The report is left for the pool to read.",
  });
  return false;
}

/** A failed start is an error for RunPod's clients too; the report goes with it. */
export function jobDoneBody(report: WorkerReport): JobDone {
  const { runnerExit, jobName, result, ran, badCards, ...rest } = report;
  const exit = runnerExit && {
    ...(runnerExit.code !== undefined && { code: runnerExit.code }),
    ...(runnerExit.signal !== undefined && { signal: runnerExit.signal }),
  };
  const output = {
    ...rest,
    ...(exit && { runnerExit: exit }),
    ...(jobName !== undefined && { jobName }),
    ...(result !== undefined && { result }),
    ...(ran && { ran }),
    ...(badCards && { badCards: [...badCards] }),
  };
  const failed = isFailedStart(report.outcome) || report.outcome === "cancelled";
  return { output, ...(failed && { error: report.message }), stopPod: true };
}
