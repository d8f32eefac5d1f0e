// Who serves which job after GitHub gave a job to another runner than the one started for it.
//
// GitHub binds nothing: any runner with the labels may take any job. When `in_progress` says that W1 took B:
// W1 serves B; the worker started for B (W2) takes A, the job that W1 was started for, if A's labels fit W2; only
// when there is no such worker does A wait again. The number of workers stays the number of jobs.
import type { WorkerId } from "./ids.ts";
import type { Job } from "./job.ts";
import { bind, requeue } from "./job-steps.ts";
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

export function decideRebind({ job, taker, displaced, former }: RebindView): Rebind {
  const taken = job.workerId === taker.id ? undefined : bind(job, taker.id, former?.id);
  const needsWorker =
    displaced !== undefined &&
    displaced.id !== job.id &&
    displaced.workerId === taker.id &&
    displaced.state === "IN_QUEUE";
  const spare = former !== undefined && isSpare(former, job) ? former : undefined;
  const heir = needsWorker && spare !== undefined && isEqual(spare, taker) ? spare : undefined;
  return {
    taken,
    displaced: needsWorker ? (heir === undefined ? requeue(displaced) : bind(displaced, heir.id)) : undefined,
    taker: taker.jobId === job.id ? undefined : serving(taker, job.id),
    freed: heir === undefined || displaced === undefined ? undefined : serving(heir, displaced.id),
    surplus: heir === undefined ? spare?.id : undefined,
  };
}

/** May this worker, whose own job no longer needs it, take this waiting job? */
export function canServe(worker: Worker, job: Job, scope: Worker["scope"]): boolean {
  return (
    isServing(worker) &&
    worker.state !== "running" &&
    worker.endpoint === job.endpoint &&
    worker.tenant === job.tenant &&
    sameScope(worker.scope, scope)
  );
}

/** W2 still points to B and has not started a job of its own. */
function isSpare(former: Worker, job: Job): boolean {
  return isServing(former) && former.state !== "running" && former.jobId === job.id;
}

/** Same labels, tenant, group and place of registration: GitHub would give either the same jobs. */
function isEqual(a: Worker, b: Worker): boolean {
  return a.endpoint === b.endpoint && a.tenant === b.tenant && sameScope(a.scope, b.scope);
}

function sameScope(a: Worker["scope"], b: Worker["scope"]): boolean {
  if (a.type === "organization") return b.type === "organization" && a.org === b.org;
  return b.type === "repository" && a.owner === b.owner && a.repo === b.repo;
}
