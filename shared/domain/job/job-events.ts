// How GitHub's word moves a job: monotonic, so that order, repetition and delay of deliveries do not matter.

import type { Endpoint } from "../admission/endpoint.ts";
import { ADMIT_MS, EXECUTION_MS, GATE_CHECK_MS, LATE_WORD_MS } from "../deadlines.ts";
import type { WorkflowJobWord } from "../github-event.ts";
import { rank } from "../github-event.ts";
import type { EpochMs } from "../ids.ts";
import { githubJobId, tenantId } from "../ids.ts";
import type { EndReason } from "./end-reason.ts";
import type { Broken, GithubSide, Job, JobState } from "./job.ts";
import { isTerminal } from "./job.ts";
import { requeue } from "./job-steps.ts";

const ENVIRONMENT_GATE =
  "waits for an approval or a deployment environment; GitHub queues it again when that is given";

/** The job that a first event creates, whichever of its events comes first. */
export function jobFromWord(word: WorkflowJobWord, endpoint: Endpoint, now: EpochMs): Job {
  const fresh: Job = {
    id: githubJobId(word.workflowJobId),
    version: 1,
    origin: "github",
    state: "IN_QUEUE",
    endpoint: endpoint.name,
    pool: endpoint.pool,
    cards: endpoint.cards,
    tenant: tenantId(word.repository.owner.id),
    priority: 0,
    createdAt: now,
    // GitHub's time, not ours: a delivery that comes late keeps its place.
    queuedAt: word.createdAt,
    hold: { reason: "environment-gate", message: ENVIRONMENT_GATE, until: undefined },
    workerId: undefined,
    formerWorkerId: undefined,
    starts: 0,
    failedStarts: 0,
    verifyAt: undefined,
    admitAt: now + ADMIT_MS,
    phases: { held: now },
    end: undefined,
    github: { ...sideOf(word), status: "waiting" },
    api: undefined,
  };
  if (word.status === "waiting") return { ...fresh, verifyAt: now + GATE_CHECK_MS };
  const { held: _held, ...phases } = fresh.phases;
  return { ...advanceByWord({ ...fresh, phases }, word, now), version: 1 };
}

/**
 * The same, not to be started before GitHub has been asked whether it still waits: a signed delivery of long ago, or one
 * that is made again after the job's end, would hold its cards until a runner has idled.
 */
export function jobFromLateWord(word: WorkflowJobWord, endpoint: Endpoint, now: EpochMs): Job {
  const job = jobFromWord(word, endpoint, now);
  if (word.status !== "queued" || now - word.createdAt < LATE_WORD_MS) return job;
  const hold = { reason: "late-delivery", message: LATE, until: undefined } as const;
  return { ...job, hold, verifyAt: now, phases: { ...job.phases, held: now } };
}

const LATE = "its delivery is late: GitHub is asked whether it still waits";

/** The job after GitHub's word; the same object when the word is late, repeated or says nothing new. */
export function advanceByWord(job: Job, word: WorkflowJobWord, now: EpochMs): Job {
  if (isTerminal(job) || job.github === undefined) return job;
  const step = rank(word.status) - rank(job.github.status);
  if (step < 0 || (step === 0 && !isNewerRunner(job.github, word))) return job;
  const github = sideOf(word);
  const next: Job = { ...job, github };
  if (word.status === "completed") return completed(next, word, now);
  if (word.status === "in_progress") {
    // A question that is to come soon stays: the end of its worker may have called for it.
    const verifyAt = (job.verifyAt ?? 0) < now + EXECUTION_MS ? job.verifyAt : undefined;
    const phases = { ...job.phases, running: now };
    return { ...next, state: "IN_PROGRESS", hold: undefined, verifyAt, phases };
  }
  const phases = { ...job.phases, queued: now };
  return { ...next, hold: undefined, verifyAt: undefined, admitAt: now + ADMIT_MS, phases };
}

/**
 * GitHub says queued of a job that it has given to a runner: that one did not pick it up within a minute, which no event
 * tells. Only for an answer to a question of ours; a delivery that says queued is late.
 */
export function takenBack(job: Job, word: WorkflowJobWord, now: EpochMs): Job {
  const { running: _running, ...phases } = job.phases;
  return {
    ...requeue(job),
    state: "IN_QUEUE",
    github: sideOf(word),
    admitAt: now + ADMIT_MS,
    phases: { ...phases, queued: now },
  };
}

/**
 * Two runners for one workflow job: GitHub gave it again after the first did not pick it up. The later start counts,
 * and of two in one second the higher runner id, so that either order of the words ends in the same.
 */
function isNewerRunner(side: GithubSide, word: WorkflowJobWord): boolean {
  if (word.status !== "in_progress" || word.runner === undefined) return false;
  if (side.runner === undefined) return true;
  const laterMs = (word.startedAt ?? 0) - (side.startedAt ?? 0);
  return laterMs > 0 || (laterMs === 0 && word.runner.id > side.runner.id);
}

function completed(job: Job, word: WorkflowJobWord, now: EpochMs): Job {
  const { state, reason } = endOf(word);
  const message =
    word.runner === undefined
      ? `GitHub: ${word.conclusion ?? "completed"}, no runner took it`
      : `GitHub: ${word.conclusion ?? "completed"} on ${word.runner.name}`;
  const next: Job = {
    ...job,
    state,
    hold: undefined,
    verifyAt: undefined,
    end: { reason, message, at: now },
    phases: { ...job.phases, done: now },
  };
  return job.broken === undefined ? next : explained(next, job.broken);
}

/**
 * GitHub calls a job that was broken off failed, or cancelled where somebody lost patience, whoever came first with the
 * word: its state stays, the reason is ours.
 */
export function explained(job: Job, { reason, message }: Broken): Job {
  const { end } = job;
  const isOpen = end?.reason === "workflow-job-failed" || end?.reason === "workflow-job-cancelled";
  // A failure is no reason of a cancelled one.
  const isTold = reason === "workflow-job-failed" && end?.reason !== reason;
  if (!isOpen || isTold || end.message.endsWith(message)) return job;
  return { ...job, end: { ...end, reason, message: `${end.message}; ${message}` } };
}

function endOf(word: WorkflowJobWord): { state: JobState; reason: EndReason } {
  switch (word.conclusion) {
    case "success":
    case "neutral":
      return { state: "COMPLETED", reason: "succeeded" };
    case "skipped":
      return { state: "CANCELLED", reason: "skipped" };
    case "cancelled":
      return {
        state: "CANCELLED",
        reason: word.runner === undefined ? "cancelled-before-pickup" : "workflow-job-cancelled",
      };
    case "timed_out":
      return { state: "TIMED_OUT", reason: "execution-timeout" };
    default:
      return { state: "FAILED", reason: "workflow-job-failed" };
  }
}

function sideOf({ createdAt: _createdAt, ...side }: WorkflowJobWord): GithubSide {
  return side;
}
