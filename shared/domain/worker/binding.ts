// Who serves which job after GitHub gave a job to another runner than the one started for it.
//
// GitHub binds nothing: any runner with the labels may take any job. When `in_progress` says that W1 took B:
// W1 serves B; the worker started for B (W2) takes A, the job that W1 was started for, if A's labels fit W2; only
// when there is no such worker does A wait again. The number of workers stays the number of jobs.
import type { WorkerId } from "../ids.ts";
import type { Job } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";
import { bind, requeue } from "../job/job-steps.ts";
import type { Worker } from "./worker.ts";
import { isServing } from "./worker.ts";
import { serving } from "./worker-steps.ts";

export type Rebind = {
  /** Written first: it remembers W2, so that a crash after it loses nothing. */
  readonly taken: Job | undefined;
  /** A, bound to W2 or waiting again. */
  readonly displaced: Job | undefined;
  readonly taker: Worker | undefined;
  /** W2 with A. */
  readonly freed: Worker | undefined;
  /** W2 when nobody needs it here: to be given to the next equal job, or drained. */
  readonly surplus: WorkerId | undefined;
};

export type RebindView = {
  /** B, in progress on `taker`. */
  readonly job: Job;
  /** W1. */
  readonly taker: Worker;
  /** A: the job that W1 pointed to; B itself when it took its own. */
  readonly displaced: Job | undefined;
  /** W2: the worker B pointed to, when that is another one. */
  readonly former: Worker | undefined;
};

export function decideRebind(view: RebindView): Rebind {
  const { job, taker } = view;
  const displaced = view.displaced?.id === job.id ? undefined : view.displaced;
  const former = view.former !== undefined && isIdle(view.former) ? view.former : undefined;
  const heir =
    former !== undefined && displaced !== undefined && isHeir(former, { job, taker, displaced })
      ? former
      : undefined;
  return {
    taken: job.workerId === taker.id ? undefined : bind(job, taker.id, view.former?.id),
    displaced: displaced === undefined ? undefined : movedOn(displaced, taker, heir),
    taker: taker.jobId === job.id ? undefined : serving(taker, job.id),
    freed: heir === undefined || displaced === undefined ? undefined : serving(heir, displaced.id),
    surplus: heir === undefined && former?.jobId === job.id ? former.id : undefined,
  };
}

/**
 * GitHub has given its runner another job since, which it did not pick up at first: it took this one back, and no event
 * tells. Of two jobs that name one runner exactly one is outdated, or each would be taken from the other without end.
 */
export function isOutdated({ job, taker, displaced }: RebindView): boolean {
  const [own, other] = [job.github, displaced?.github];
  if (own === undefined || other?.runner?.name !== taker.id || displaced?.id === job.id) return false;
  const laterMs = (other.startedAt ?? 0) - (own.startedAt ?? 0);
  return laterMs > 0 || (laterMs === 0 && other.workflowJobId > own.workflowJobId);
}

/** W2 still points to B; or already to A, when a crash came before A was told. One that has moved on is nobody's heir. */
function isHeir(
  former: Worker,
  { job, taker, displaced }: { readonly job: Job; readonly taker: Worker; readonly displaced: Job },
): boolean {
  const free = former.jobId === job.id || former.jobId === displaced.id;
  return free && isDisplaced(displaced, taker) && isEqual(former, taker);
}

function isDisplaced(job: Job, taker: Worker): boolean {
  return job.workerId === taker.id && !isTerminal(job);
}

function movedOn(displaced: Job, taker: Worker, heir: Worker | undefined): Job | undefined {
  if (!isDisplaced(displaced, taker)) return undefined;
  if (heir !== undefined) return bind(displaced, heir.id);
  // In progress on a third runner: its own rebind, still to come, binds it there.
  return displaced.state === "IN_QUEUE" ? requeue(displaced) : undefined;
}

/**
 * May this worker, whose own job no longer needs it, take this waiting workflow job? The runner of an API job carries a
 * label of its own and stays with that job.
 */
export function canServe(worker: Worker, job: Job, scope: Worker["scope"]): boolean {
  return (
    job.github !== undefined &&
    isIdleRunner(worker) &&
    worker.endpoint === job.endpoint &&
    worker.tenant === job.tenant &&
    sameScope(worker.scope, scope)
  );
}

/** GitHub could give the same jobs to either: runners of workflow jobs that have none yet. */
export function areRivals(a: Worker, b: Worker): boolean {
  return a.id !== b.id && [a, b].every(isIdleRunner) && isEqual(a, b);
}

function isIdleRunner(worker: Worker): boolean {
  return (worker.kind ?? "github") === "github" && isServing(worker) && worker.state !== "running";
}

/** It has not started a job. One that was asked to drain may already be ending. */
export function isIdle(former: Worker): boolean {
  return isServing(former) && former.state !== "running" && former.drain === undefined;
}

/** Same labels, tenant, group and place of registration: GitHub would give either the same jobs. */
function isEqual(a: Worker, b: Worker): boolean {
  return a.endpoint === b.endpoint && a.tenant === b.tenant && sameScope(a.scope, b.scope);
}

function sameScope(a: Worker["scope"], b: Worker["scope"]): boolean {
  if (a.type === "organization") return b.type === "organization" && a.org === b.org;
  return b.type === "repository" && a.owner === b.owner && a.repo === b.repo;
}
