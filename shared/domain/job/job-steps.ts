// How dispatch moves a job: claimed for a worker, given back, held. Each returns the next version.
import type { Backoff } from "../backoff.ts";
import { backoffMs } from "../backoff.ts";
import {
  IDLE_RETRY,
  MAX_FAST_STARTS,
  PAIRING_CHECK_MS,
  SLOW_RETRY_MS,
  START_RETRY_MAX_MS,
  START_RETRY_MIN_MS,
} from "../deadlines.ts";
import type { EpochMs, WorkerId } from "../ids.ts";
import type { WorkerOutcome } from "../worker-report.ts";
import { isPermanent } from "../worker-report.ts";
import type { Hold, Job } from "./job.ts";

const START_RETRY: Backoff = { minMs: START_RETRY_MIN_MS, maxMs: START_RETRY_MAX_MS };

/** The claim: exactly one dispatch pass wins it, by the version. */
export function claim(job: Job, workerId: WorkerId, now: EpochMs): Job {
  return {
    ...job,
    workerId,
    starts: job.starts + 1,
    // Nothing that was to be asked of a job that waits is to be asked of one that is being started.
    verifyAt: job.api === undefined ? undefined : now + PAIRING_CHECK_MS,
    phases: { ...job.phases, starting: now },
  };
}

/** Bound to a worker that exists already: a rebind, or a surplus worker. */
export function bind(job: Job, workerId: WorkerId, formerWorkerId?: WorkerId): Job {
  return { ...job, workerId, formerWorkerId, broken: undefined };
}

/** An API job, to a program that is there. The two are compared soon: only one of them may have been written. */
export function bindApi(job: Job, workerId: WorkerId, now: EpochMs): Job {
  return { ...bind(job, workerId), verifyAt: now + PAIRING_CHECK_MS };
}

/** Back to its old place in the lane, without a worker. */
export function requeue(job: Job): Job {
  return {
    ...job,
    workerId: undefined,
    formerWorkerId: undefined,
    broken: undefined,
    verifyAt: undefined,
  };
}

/** Back after a start that failed: after back-off, and held with the reason once it has failed too often. */
export function requeueAfterFailure(job: Job, failure: Failure, now: EpochMs, random: number): Job {
  const failedStarts = job.failedStarts + 1;
  const hold = holdAfter(failedStarts, failure, now, random);
  const next: Job = { ...requeue(job), failedStarts, hold, phases: { ...job.phases, held: now } };
  return failure.node === undefined ? next : { ...next, failedOn: withLast(job.failedOn, failure.node) };
}

/** Back after a start that could not be made for a while, by no fault of the job's or its pool's: nothing is counted. */
export function requeueUntil(job: Job, message: string, until: EpochMs, now: EpochMs): Job {
  const hold: Hold = { reason: "start-backoff", message, until };
  return { ...requeue(job), hold, phases: { ...job.phases, held: now } };
}

type Failure = {
  readonly outcome: WorkerOutcome | "refused";
  readonly message: string;
  /** Where its worker's cards failed the preflight: the next one goes elsewhere. */
  readonly node?: string | undefined;
};

/** A cluster whose every node fails is tried all over again. */
const MAX_FAILED_ON = 8;

function withLast(nodes: readonly string[] = [], node: string): string[] {
  return [...nodes.filter((other) => other !== node), node].slice(-MAX_FAILED_ON);
}

/** Back after a runner that listened and got nothing, though GitHub still says queued. Not a failed start. */
export function requeueAfterIdle(job: Job, now: EpochMs, random: number): Job {
  const idleEnds = (job.idleEnds ?? 0) + 1;
  const hold: Hold = {
    reason: "not-assigned",
    message: NOT_ASSIGNED,
    until: now + backoffMs(idleEnds, random, IDLE_RETRY),
  };
  return {
    ...requeue(job),
    failedStarts: 0,
    failedOn: undefined,
    idleEnds,
    hold,
    phases: { ...job.phases, held: now },
  };
}

const NOT_ASSIGNED =
  "its runner listened and GitHub gave it no job: max-parallel or a concurrency group may hold it back; " +
  "else check that the runner group admits this repository and workflow";

/** Out of its lane: another job of its probe group has a worker, and what that meets holds for this one too. */
export function awaitProbe(job: Job, until: EpochMs, now: EpochMs): Job {
  const hold: Hold = { reason: "awaits-probe", message: AWAITS_PROBE, until };
  const idleEnds = job.idleEnds ?? 0;
  return { ...job, idleEnds, hold, phases: { ...job.phases, held: now } };
}

const AWAITS_PROBE =
  "a runner for another job of its matrix listened and was given none: one worker at a time finds out when GitHub " +
  "gives out the next (max-parallel)";

/** Out of its lane for as long as its endpoint is not there. */
export function heldWithout(job: Job, until: EpochMs, now: EpochMs): Job {
  const message = `no endpoint "${job.endpoint}" is in dispatch.yaml any more`;
  const hold: Hold = { reason: "endpoint-removed", message, until };
  return { ...job, hold, phases: { ...job.phases, held: now } };
}

/** Into the lane of the pool that its endpoint is in now. */
export function movedTo(job: Job, { pool, cards }: Pick<Job, "pool" | "cards">): Job {
  return { ...job, pool, cards };
}

/** The wait is over: back into the lane. */
export function liftHold(job: Job, now: EpochMs): Job {
  return {
    ...job,
    hold: undefined,
    phases: { ...job.phases, queued: job.phases.queued ?? now },
  };
}

/** Its lane is known: from now on the lane is looked at, not the job. */
export function admitted(job: Job): Job {
  return { ...job, admitAt: undefined };
}

export function verifyLater(job: Job, at: EpochMs): Job {
  return { ...job, verifyAt: at };
}

/** For a question to GitHub: a hold that is over sooner lasts until then, or it would make the job due meanwhile. */
export function askLater(job: Job, at: EpochMs): Job {
  const { hold } = job;
  const next = verifyLater(job, at);
  return hold?.until === undefined || hold.until >= at ? next : { ...next, hold: { ...hold, until: at } };
}

function holdAfter(failedStarts: number, failure: Failure, now: EpochMs, random: number): Hold {
  const permanent =
    failure.outcome === "refused" ||
    failure.outcome === "registration-refused" ||
    isPermanent(failure.outcome);
  if (permanent || failedStarts >= MAX_FAST_STARTS) {
    const reason = failure.outcome === "registration-refused" ? "registration-refused" : "start-failed";
    return { reason, message: failure.message, until: now + SLOW_RETRY_MS };
  }
  return {
    reason: "start-backoff",
    message: failure.message,
    until: now + backoffMs(failedStarts, random, START_RETRY),
  };
}
