// What becomes of a job whose worker has ended. GitHub says what a workflow job is; the worker only what it did.
import { wasCalledOff } from "./called-off.ts";
import type { Job } from "./job.ts";
import { isTerminal } from "./job.ts";
import type { Worker } from "./worker.ts";
import type { WorkerOutcome, WorkerReport } from "./worker-report.ts";
import { isFailedStart } from "./worker-report.ts";

export type Settlement =
  /** It has ended, or another worker serves it. */
  | { readonly type: "nothing" }
  /** GitHub has named our runner: its `completed` is on the way. */
  | { readonly type: "await-word" }
  /** Only GitHub can tell: it may have given the job to this runner. */
  | { readonly type: "ask-github" }
  /** The operator's drain ended it before its runner could have a job. */
  | { readonly type: "called-off" }
  /** No runner of this worker ever listened, so GitHub gave it nothing. */
  | {
      readonly type: "failed-start";
      readonly failure: { readonly outcome: WorkerOutcome; readonly message: string };
    };

const LOST_MESSAGE = "its worker ended without a report; the pool's log of the worker may say why";

export function decideSettlement(job: Job, worker: Worker): Settlement {
  if (isTerminal(job) || job.workerId !== worker.id) return { type: "nothing" };
  if (job.github?.runner?.name === worker.id) return { type: "await-word" };
  if (hasListened(worker)) return ranSomething(worker) ? { type: "await-word" } : { type: "ask-github" };
  // It had its registration and said nothing more: it may have listened without our knowing.
  if (worker.registered && worker.report === undefined) return { type: "ask-github" };
  if (wasCalledOff(worker)) return { type: "called-off" };
  return { type: "failed-start", failure: failureOf(worker.report) };
}

/** From `listening` on GitHub may have given it a job, whatever its report says. */
function hasListened(worker: Worker): boolean {
  const { listening, running } = worker.phases;
  const outcome = worker.report?.outcome;
  return (
    listening !== undefined ||
    running !== undefined ||
    (outcome !== undefined && !isFailedStart(outcome) && outcome !== "cancelled")
  );
}

function ranSomething(worker: Worker): boolean {
  return worker.report?.outcome === "ran" || worker.phases.running !== undefined;
}

/** What the job is held for when a worker ended without a word. */
export function failureOf(report: WorkerReport | undefined): { outcome: WorkerOutcome; message: string } {
  if (report === undefined) return { outcome: "runner-failed", message: LOST_MESSAGE };
  return { outcome: report.outcome, message: report.message };
}
