// What becomes of the job whose worker has ended; and the one GET that asks GitHub when no event came.

import { GATE_CHECK_MS, GITHUB_RECHECK_MS, GITHUB_WORD_MS } from "../../domain/deadlines.ts";
import type { WorkflowJobWord } from "../../domain/github-event.ts";
import type { EpochMs, WorkerId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, nextLookAt } from "../../domain/job/job.ts";
import { advanceByWord, takenBack } from "../../domain/job/job-events.ts";
import {
  askLater,
  requeue,
  requeueAfterFailure,
  requeueAfterIdle,
  verifyLater,
} from "../../domain/job/job-steps.ts";
import { unknownToGithub, untoldByGithub } from "../../domain/job/unknown-job.ts";
import { wasCalledOff } from "../../domain/worker/called-off.ts";
import {
  brokenBy,
  decideSettlement,
  explainedBy,
  failureOf,
  isAskedSince,
  toldLoss,
} from "../../domain/worker/settling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { hadJob } from "../../domain/worker-report.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateJob, updatePair } from "../update.ts";
import { settleApiJob } from "./end-api-job.ts";
import { callerOf } from "./github-caller.ts";
import { noteIdleEnd } from "./probe-group.ts";

export async function settleJob(deps: Deps, worker: Worker): Promise<void> {
  if ((worker.kind ?? "github") !== "github") return settleApiJob(deps, worker);
  const now = deps.clock.now();
  const random = deps.random.fraction();
  const broken = brokenBy(worker, limitsOf(deps, worker.endpoint));
  const { item: job } = await updateJob(deps.stores.jobs, worker.jobId, (current) => {
    const settlement = decideSettlement(current, worker);
    if (settlement.type === "nothing") return changedFrom(current, explainedBy(current, worker, broken));
    if (settlement.type === "called-off") return requeue(current);
    if (settlement.type === "failed-start") {
      return requeueAfterFailure(current, settlement.failure, now, random);
    }
    const at = settlement.type === "await-word" ? now + GITHUB_WORD_MS : now;
    return isAskedSince(current, worker, now) ? undefined : askedAt(current, toldLoss(current, broken), at);
  });
  if (job?.verifyAt !== undefined && job.verifyAt <= now) await askGithub(deps, job);
}

function changedFrom(job: Job, next: Job): Job | undefined {
  return next === job ? undefined : next;
}

/** Undefined: GitHub is asked before that, and there is nothing to remember. */
function askedAt(job: Job, told: Job, at: EpochMs): Job | undefined {
  if ((job.verifyAt ?? Number.POSITIVE_INFINITY) > at) return verifyLater(told, at);
  return changedFrom(job, told);
}

/**
 * Asks GitHub what has become of a job without a serving worker; it is terminal, goes on, or waits again. An answer takes
 * a while: it comes too late for a job that has moved on meanwhile, unless it says how the job has ended.
 */
export async function askGithub(deps: Deps, seen: Job): Promise<void> {
  const caller = callerOf(seen);
  const job = await askingFor(deps, seen);
  if (caller === undefined || job?.github === undefined) return;
  const { repository, workflowJobId } = job.github;
  try {
    const word = await deps.github.workflowJob(caller, {
      owner: repository.owner,
      repositoryId: repository.id,
      repo: repository.name,
      workflowJobId,
    });
    // Read after the answer: it may have taken a while.
    const { item, changed } = await updatePair(deps.stores, job.id, (current, worker) =>
      isTerminal(current) ? undefined : afterAnswer(deps, { job: current, asked: job, word, worker }),
    );
    if (changed && item !== undefined) await noteIdleEnd(deps, item);
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    deps.log.warn("github-not-asked", { job: job.id, message: error.message, error });
    await updateJob(deps.stores.jobs, job.id, (current) =>
      isTerminal(current) || hasMovedOn(current, job)
        ? undefined
        : afterRefusal(current, error, deps.clock.now()),
    );
  }
}

/** Not due while it is asked about, so that nobody else asks too. Undefined: somebody else was first. */
async function askingFor(deps: Deps, seen: Job): Promise<Job | undefined> {
  const { item, changed } = await updateJob(deps.stores.jobs, seen.id, (current) => {
    const isFirst = current.verifyAt === seen.verifyAt && !hasMovedOn(current, seen);
    return isFirst && !isTerminal(current) && current.github !== undefined
      ? askLater(current, deps.clock.now() + GITHUB_RECHECK_MS)
      : undefined;
  });
  return changed ? item : undefined;
}

/** To another worker, state or hold. */
function hasMovedOn(job: Job, since: Job): boolean {
  const isSame = job.workerId === since.workerId && job.state === since.state;
  return !isSame || job.hold?.reason !== since.hold?.reason || job.hold?.until !== since.hold?.until;
}

type Answer = {
  readonly job: Job;
  /** The job as it was when GitHub was asked. */
  readonly asked: Job;
  readonly word: WorkflowJobWord | undefined;
  readonly worker: Worker | undefined;
};

function afterAnswer(deps: Deps, { job, asked, word, worker }: Answer): Job | undefined {
  const now = deps.clock.now();
  const next = word === undefined ? job : advanceByWord(job, word, now);
  if (next !== job && isTerminal(next)) return next;
  if (hasMovedOn(job, asked)) return undefined;
  if (word === undefined) return unknownToGithub(job, now);
  if (isGated(job, word)) return verifyLater(job, now + GATE_CHECK_MS);
  const isTakenBack = job.state === "IN_PROGRESS" && word.status === "queued";
  if (isTakenBack && !answersFor(worker, job)) return takenBack(job, word, now);
  return stillOpen(deps, next, worker);
}

/** Its gate is not open yet, and it keeps its hold. */
function isGated(job: Job, word: WorkflowJobWord): boolean {
  return job.hold?.reason === "environment-gate" && word.status === "waiting";
}

function afterRefusal(job: Job, { fault, retryable, retryAfterMs = 0 }: GithubError, now: EpochMs): Job {
  if (retryable) return askLater(job, now + Math.max(retryAfterMs, GITHUB_RECHECK_MS));
  // No installation: for us the same as no such job.
  return fault === "not-found" ? unknownToGithub(job, now) : untoldByGithub(job, now);
}

/** GitHub says queued or in progress: a queued one without a worker waits again, the rest is asked about later. */
function stillOpen(deps: Deps, job: Job, worker: Worker | undefined): Job {
  const next = { ...job, unknownSince: undefined };
  const verifyAt = nextLookAt(next, deps.clock.now());
  if (next.state === "IN_QUEUE" && next.workerId === undefined) {
    return { ...requeue(next), hold: undefined, verifyAt };
  }
  if (answersFor(worker, next)) return { ...next, verifyAt };
  if (next.state !== "IN_QUEUE") return verifyLater(next, deps.clock.now() + GITHUB_RECHECK_MS);
  // Its runner took another job of the same labels, and that job's event is late: no reason to wait.
  if (worker !== undefined && (isServing(worker) || hadJob(worker.report))) return requeue(next);
  // No fault of the job's, nor a sign that GitHub holds it back.
  if (worker !== undefined && wasCalledOff(worker)) return requeue(next);
  const now = deps.clock.now();
  const random = deps.random.fraction();
  const hasListened = worker?.phases.listening !== undefined || worker?.report?.outcome === "idle";
  return hasListened && worker.report?.outcome !== "runner-died"
    ? requeueAfterIdle(next, now, random)
    : requeueAfterFailure(next, failureOf(worker), now, random);
}

/** The worker serves this job, and GitHub names no other runner for it: at its end it makes us ask. */
export function answersFor(worker: Worker | undefined, job: Job): boolean {
  if (worker === undefined || !isServing(worker) || worker.jobId !== job.id) return false;
  return job.workerId === worker.id && [undefined, worker.id].includes(job.github?.runner?.name as WorkerId);
}
