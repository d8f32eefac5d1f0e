// The record of a worker that pings and has none: a table restored from a backup, a row lost. What it was given it tells
// by its phase; which job it serves is known where its ping names one that is still its own, else by GitHub's next word.
import type { Endpoint } from "../admission/endpoint.ts";
import type { EpochMs, JobId, PoolName, TenantId, WorkerId } from "../ids.ts";
import { endpointName, jobId, tenantId } from "../ids.ts";
import type { Job } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";
import type { RunnerScope } from "../runner-scope.ts";
import type { JobLease, Worker, WorkerKind, WorkerPhase, WorkerState } from "./worker.ts";
import { kindFor, workerDueAt } from "./worker-steps.ts";

export type Foundling = {
  readonly id: WorkerId;
  readonly endpoint: Endpoint;
  readonly tenant: TenantId;
  /** What its ping says. */
  readonly phase: WorkerPhase | undefined;
  readonly jobName: string | undefined;
  /** The job that its ping names, if there is one of its tenant and endpoint. */
  readonly job: Job | undefined;
  readonly scope: RunnerScope;
  /** Indices of its cards where its pool tells them. */
  readonly slots: readonly number[];
};

const PASSED: readonly WorkerPhase[] = ["booting", "preflight", "registering", "listening", "running"];

/** Version 1 of its new record. All times begin anew, but its container's own limit does not. */
export function adopted(found: Foundling, now: EpochMs): Worker {
  const kind = kindOf(found);
  const lease = kind === "program" ? leaseOf(found, now) : undefined;
  const state = stateOf(found, kind, lease);
  const last = state === "booted" ? "registering" : state;
  const passed = PASSED.slice(0, PASSED.indexOf(last as WorkerPhase) + 1);
  const { endpoint } = found;
  const worker: Worker = {
    id: found.id,
    version: 1,
    pool: endpoint.pool,
    endpoint: endpoint.name,
    tenant: found.tenant,
    kind,
    lease,
    cards: endpoint.cards,
    slots: found.slots,
    jobId: servedJob(found),
    state,
    // Whoever takes now is another boot.
    bootId: undefined,
    scope: found.scope,
    runnerId: undefined,
    registered: kind !== "program" && found.phase !== "preflight",
    // It would ask for its registration as a boot that nobody knows.
    drain: state === "booted" ? { reason: "no-record", at: now } : undefined,
    report: undefined,
    runningJobName: found.jobName,
    phases: Object.fromEntries(passed.map((phase) => [phase, now])),
    createdAt: now,
    heartbeatAt: now,
    dueAt: undefined,
  };
  return { ...worker, dueAt: workerDueAt(worker, endpoint.limits) };
}

/** The record of a worker that has none and is about to be stopped: what pings in its name is no longer adopted. */
export function buried(id: WorkerId, pool: PoolName, now: EpochMs): Worker {
  return {
    id,
    version: 1,
    pool,
    endpoint: endpointName("unknown"),
    tenant: tenantId("unknown"),
    cards: 0,
    slots: [],
    jobId: jobId(`unknown-${id}`),
    state: "released",
    bootId: undefined,
    scope: { type: "organization", org: "" },
    runnerId: undefined,
    registered: false,
    drain: { reason: "no-record", at: now },
    report: undefined,
    runningJobName: undefined,
    phases: { done: now },
    createdAt: now,
    heartbeatAt: undefined,
    dueAt: undefined,
  };
}

/**
 * The runner of an API job that is no longer its own, or not known, may still run a workflow job: as the runner of one it
 * is left to end by itself.
 */
function kindOf({ id, endpoint, job }: Foundling): WorkerKind {
  if (endpoint.command !== undefined && endpoint.startedBy === "api") return "program";
  return job !== undefined && isOwn(job, id) ? kindFor(job) : "github";
}

function stateOf({ phase }: Foundling, kind: WorkerKind, lease: JobLease | undefined): WorkerState {
  if (kind === "program") return lease === undefined ? "listening" : "running";
  return phase === "running" || phase === "listening" ? phase : "booted";
}

/** It has the job, since its ping names it. */
function leaseOf({ id, job }: Foundling, now: EpochMs): JobLease | undefined {
  if (job?.api === undefined || !isOwn(job, id)) return undefined;
  const { generation } = job.api;
  return { jobId: job.id, generation, givenAt: now, times: 1, ackedAt: now, missedAt: undefined };
}

/**
 * The workflow job that it was started for, though another may serve that by now: it says as whom GitHub can be asked.
 * Else a name that is no job's: what is done for the sake of its job finds none, and does nothing.
 */
function servedJob({ id, job }: Foundling): JobId {
  const isIts = job !== undefined && (job.github !== undefined || isOwn(job, id));
  return isIts ? job.id : jobId(`unknown-${id}`);
}

function isOwn(job: Job, worker: WorkerId): boolean {
  return job.workerId === worker && !isTerminal(job);
}
