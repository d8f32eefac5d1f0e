// What becomes of an API job whose worker has ended. Here the worker's own word is the result; GitHub is not asked.
//
// At least once for what never began: a start that failed is tried again, a few times. At most once for what may have
// begun: a job whose worker was lost in the middle has FAILED, and `/retry` is the client's to send.

import { MAX_FAST_STARTS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { ApiEnd } from "../job/api-steps.ts";
import { endedApi } from "../job/api-steps.ts";
import type { EndReason } from "../job/end-reason.ts";
import type { Job } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";
import { requeue, requeueAfterFailure } from "../job/job-steps.ts";
import { isFailedStart, isPermanent } from "../worker-report.ts";
import { failureOf } from "./settling.ts";
import type { Worker } from "./worker.ts";
import { isSameLease, leaseNameOf } from "./worker-lease.ts";

/** Starts of a job whose worker vanished without a word before it had begun: the second one is the last. */
const MAX_LOST_STARTS = 2;

type StartFailure = Parameters<typeof requeueAfterFailure>[1];

/** The job after its worker's end; the same object when that changes nothing. */
export function settledApi(job: Job, worker: Worker, now: EpochMs, random: number): Job {
  if (job.api === undefined || isTerminal(job) || job.workerId !== worker.id) return job;
  if (isOvertime(job, now)) return endedApi(job, overtime(job), now);
  const { report } = worker;
  if (mayHaveBegun(worker, job)) return endedApi(job, endOf(worker), now);
  // Bound to a program that had served others before, and was not given to it: no start of this job's has failed.
  if (job.state === "IN_QUEUE" && wasWarm(worker)) return requeue(job);
  // An idle program may have been about to be given this job.
  const isOwnWord = worker.kind !== "program" || report?.outcome === "program-died";
  const isWord = isOwnWord && report !== undefined && !isFailedStart(report.outcome);
  if (isWord) return endedApi(job, endOf(worker), now);
  return afterFailedStart(job, failureOf(worker), { now, random, lost: report === undefined });
}

/** A start that failed: once more after back-off, and FAILED with the reason when that cannot help or has not. */
export function afterFailedStart(
  job: Job,
  failure: StartFailure,
  { now, random, lost = false }: { readonly now: EpochMs; readonly random: number; readonly lost?: boolean },
): Job {
  const tries = job.failedStarts + 1;
  const isLast = tries >= (lost ? MAX_LOST_STARTS : MAX_FAST_STARTS);
  if (isLast || isHopeless(failure.outcome)) {
    const message = `${failure.message} (${tries} ${tries === 1 ? "try" : "tries"} to start a worker)`;
    return endedApi(
      job,
      { state: "FAILED", reason: startReason(failure.outcome), message, error: message },
      now,
    );
  }
  // A few fast tries are worth it whatever it was: even a refusal of the pool may be one of this very start.
  const again = requeueAfterFailure(job, { ...failure, outcome: "runner-failed" }, now, random);
  return requeued(again);
}

/** Back in its lane, not begun. */
function requeued(job: Job): Job {
  if (job.api === undefined) return job;
  const { starting: _starting, running: _running, ...phases } = job.phases;
  return {
    ...job,
    state: "IN_QUEUE",
    workerId: undefined,
    formerWorkerId: undefined,
    phases,
    api: { ...job.api, startedAt: undefined, output: undefined },
  };
}

/** What another image or another token could mend, a second try cannot. */
function isHopeless(outcome: StartFailure["outcome"]): boolean {
  return outcome === "registration-refused" || (outcome !== "refused" && isPermanent(outcome));
}

function isOvertime(job: Job, now: EpochMs): boolean {
  const { api } = job;
  return api?.startedAt !== undefined && now >= api.startedAt + api.policy.executionTimeoutMs;
}

function overtime(job: Job): ApiEnd {
  const message = `ran longer than its execution timeout of ${job.api?.policy.executionTimeoutMs} ms`;
  return { state: "TIMED_OUT", reason: "execution-timeout", message, error: message };
}

/**
 * A runner that listened, or had what it takes to; a program that was known to have the job, was given it and has ended as
 * its pool says, or has turned to another.
 */
function mayHaveBegun(worker: Worker, job: Job): boolean {
  const { kind, lease, phases, registered, report, lostWhy } = worker;
  if (kind === "program") {
    const isIts = isSameLease(lease, leaseNameOf(job));
    const isOver = report !== undefined || lostWhy !== undefined;
    return isIts
      ? lease?.ackedAt !== undefined || isOver
      : lease !== undefined && job.state === "IN_PROGRESS";
  }
  if (phases.listening !== undefined || phases.running !== undefined) return true;
  return registered && report === undefined;
}

function wasWarm({ kind, phases }: Worker): boolean {
  return kind === "program" && phases.listening !== undefined;
}

const LOST = "its worker ended without a result; the work may have been done in part";

function endOf({ report, lostWhy }: Worker): ApiEnd {
  if (report === undefined) {
    return failed("worker-lost", lostWhy === undefined ? LOST : `${LOST}: ${lostWhy}`);
  }
  const { message } = report;
  const whoStopped = lostWhy === undefined ? message : `${message.replace(/\.$/, "")}; ${lostWhy}`;
  const output = { type: "inline", json: JSON.stringify(report) } as const;
  switch (report.outcome) {
    case "ran":
      return { state: "COMPLETED", reason: "succeeded", message, output };
    case "idle":
      return {
        state: "TIMED_OUT",
        reason: "never-picked-up",
        message: "no workflow job asked for its runner's label in time: it was never picked up",
        error: "never picked up: no workflow job asked for its runner's label in time",
        output,
      };
    case "runner-died":
      return { ...failed("runner-died", message), output };
    case "program-died":
      return failed("program-died", message);
    case "cancelled":
      if (report.jobName !== undefined) return { ...failed("worker-stopped", whoStopped), output };
      return { state: "CANCELLED", reason: "cancelled-before-pickup", message, output };
    default:
      return { ...failed(startReason(report.outcome), message), output };
  }
}

function failed(reason: EndReason, message: string): ApiEnd {
  return { state: "FAILED", reason, message, error: message };
}

/** What the outcome of a last start says of the job; those that are no failed starts have ends of their own. */
function startReason(outcome: StartFailure["outcome"]): EndReason {
  switch (outcome) {
    case "refused":
      return "start-refused";
    case "preflight-failed":
    case "registration-refused":
      return outcome;
    case "runner-too-old":
    case "no-runner":
      return "image-unusable";
    default:
      return "start-failed";
  }
}
