// What becomes of a job whose worker has ended. GitHub says what a workflow job is; the worker only what it did.

import type { EndpointLimits } from "../admission/endpoint.ts";
import { GITHUB_RECHECK_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Broken, Job } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";
import { explained } from "../job/job-events.ts";
import { describeKills } from "../memory-kills.ts";
import type { WorkerOutcome, WorkerReport } from "../worker-report.ts";
import { hadJob, isFailedStart } from "../worker-report.ts";
import { wasCalledOff } from "./called-off.ts";
import type { Worker } from "./worker.ts";

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
  | { readonly type: "failed-start"; readonly failure: StartFailure };

export type StartFailure = {
  readonly outcome: WorkerOutcome;
  readonly message: string;
  /** Where its cards failed its preflight. */
  readonly node?: string | undefined;
};

const LOST = "its worker ended without a report";
const LOST_MESSAGE = `${LOST}; the pool's log of the worker may say why`;

export function decideSettlement(job: Job, worker: Worker): Settlement {
  if (isTerminal(job) || job.workerId !== worker.id) return { type: "nothing" };
  if (job.github?.runner?.name === worker.id) return { type: "await-word" };
  if (hasListened(worker)) return ranSomething(worker) ? { type: "await-word" } : { type: "ask-github" };
  // It had its registration and said nothing more: it may have listened without our knowing.
  if (worker.registered && worker.report === undefined) return { type: "ask-github" };
  if (wasCalledOff(worker)) return { type: "called-off" };
  return { type: "failed-start", failure: failureOf(worker) };
}

/**
 * Of a job that GitHub has ended before its worker said why; the same object where that says nothing new. A worker that
 * said nothing may have been lost since; and who cancelled it did so, unless the pool names another.
 */
export function explainedBy(job: Job, worker: Worker, broken: Broken | undefined): Job {
  const isIts = job.workerId === worker.id && job.github?.runner?.name === worker.id;
  if (!isIts || broken === undefined || worker.report === undefined) return job;
  const isCancelled = job.end?.reason === "workflow-job-cancelled";
  return isCancelled && worker.lostWhy === undefined ? job : explained(job, broken);
}

/**
 * Undefined: its runner, if it had the job, went on to its end. One that is stopped says `Canceled`, and has told GitHub
 * `failure` (actions/runner#1792).
 */
export function brokenBy(
  worker: Worker,
  { executionMs }: Pick<EndpointLimits, "executionMs">,
): Broken | undefined {
  const { report, lostWhy, phases } = worker;
  const { running, done } = phases;
  const isOvertime = running !== undefined && done !== undefined && done - running >= executionMs;
  if (report === undefined) {
    return { reason: isOvertime ? "execution-timeout" : "worker-lost", message: lossOf(worker) };
  }
  if (report.jobName === undefined) return undefined;
  if (!["Canceled", undefined].includes(report.result)) return starvedBy(report);
  const message = `by its worker: ${report.message.replace(/\.$/, "")}`;
  if (report.outcome === "runner-died") return { reason: "runner-died", message };
  if (report.outcome !== "cancelled") return undefined;
  const who = lostWhy === undefined ? "" : `; ${lostWhy}`;
  return { reason: isOvertime ? "execution-timeout" : "worker-stopped", message: `${message}${who}` };
}

/** In the pool's words, where it has some. */
function lossOf({ lostWhy }: Pick<Worker, "lostWhy">): string {
  return lostWhy === undefined ? LOST_MESSAGE : `${LOST}: ${lostWhy}`;
}

/** It failed by itself, for a reason that its log does not tell. */
function starvedBy({ result, memoryKills }: WorkerReport): Broken | undefined {
  if (result === "Succeeded" || memoryKills === undefined) return undefined;
  return { reason: "workflow-job-failed", message: describeKills(memoryKills) };
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
  return hadJob(worker.report) || worker.phases.running !== undefined;
}

/** GitHub will say only that the runner is gone: what is known of its end is kept for the job's. */
export function toldLoss(job: Job, broken: Broken | undefined): Job {
  return broken === undefined || job.broken !== undefined ? job : { ...job, broken };
}

/**
 * GitHub has been asked about the job since its worker ended, and answers or refuses just now: a worker may be released
 * by its change and by a pass side by side. A time set before the end is sooner, one that GitHub named itself later.
 */
export function isAskedSince({ verifyAt }: Job, { phases }: Worker, now: EpochMs): boolean {
  if (verifyAt === undefined || phases.done === undefined) return false;
  return verifyAt >= phases.done + GITHUB_RECHECK_MS && verifyAt <= now + GITHUB_RECHECK_MS;
}

/** What the job is held for. Undefined: nothing is known of its worker any more. */
export function failureOf(worker: Pick<Worker, "report" | "lostWhy" | "place"> | undefined): StartFailure {
  const { report, lostWhy, place } = worker ?? {};
  if (report === undefined) return { outcome: "runner-failed", message: lossOf({ lostWhy }) };
  const { outcome } = report;
  const message = lostWhy === undefined ? report.message : `${report.message.replace(/\.$/, "")}; ${lostWhy}`;
  return { outcome, message, ...(outcome === "preflight-failed" && { node: place?.node }) };
}
