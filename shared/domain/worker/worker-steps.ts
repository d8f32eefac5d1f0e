// How a worker moves: each step returns the next version, or says why it cannot be taken.

import type { Endpoint, EndpointLimits } from "../admission/endpoint.ts";
import {
  DRAIN_MS,
  FINISHED_GRACE_MS,
  HEARTBEAT_LOST_MS,
  PREPARE_MS,
  RESUME_START_MS,
  STOP_GRACE_MS,
} from "../deadlines.ts";
import type { EpochMs, JobId, WorkerId } from "../ids.ts";
import type { Job } from "../job/job.ts";
import type { NodePlan } from "../pool/node-room.ts";
import type { RunnerScope } from "../runner-scope.ts";
import type { WorkerReport } from "../worker-report.ts";
import { ghostCheckAt } from "./ghost.ts";
import type { DrainReason, Worker, WorkerKind, WorkerPhase, WorkerState } from "./worker.ts";
import { isServing } from "./worker.ts";

export type NewWorker = {
  readonly job: Job;
  readonly endpoint: Endpoint;
  readonly slots: readonly number[];
  readonly plan?: NodePlan | undefined;
  readonly scope: RunnerScope;
  readonly now: EpochMs;
};

export function newWorker(id: WorkerId, { job, endpoint, slots, plan, scope, now }: NewWorker): Worker {
  return {
    id,
    version: 1,
    pool: endpoint.pool,
    endpoint: endpoint.name,
    tenant: job.tenant,
    kind: kindFor(job),
    cards: endpoint.cards,
    slots,
    ...(plan && { plan }),
    jobId: job.id,
    state: "reserving",
    bootId: undefined,
    scope,
    runnerId: undefined,
    registered: false,
    drain: undefined,
    report: undefined,
    runningJobName: undefined,
    phases: {},
    createdAt: now,
    heartbeatAt: undefined,
    dueAt: now + RESUME_START_MS,
  };
}

export function kindFor(job: Job): WorkerKind {
  if (job.api === undefined) return "github";
  return job.api.runner === undefined ? "program" : "api-runner";
}

/** When the reconciler must look at this worker. */
export function workerDueAt(worker: Worker, limits: EndpointLimits): EpochMs | undefined {
  const { heartbeatAt = worker.createdAt } = worker;
  // One that runs a job has refused to drain.
  if (worker.drain !== undefined && isServing(worker) && worker.state !== "running") {
    return Math.min(worker.drain.at + DRAIN_MS, heartbeatAt + HEARTBEAT_LOST_MS);
  }
  if (hasUnsureJob(worker)) return earliest(executionEndsAt(worker, limits), heartbeatAt + HEARTBEAT_LOST_MS);
  return earliest(
    isSpare(worker) ? worker.spareUntil : undefined,
    ghostCheckAt(worker),
    dueInState(worker, limits),
  );
}

/**
 * Of one that may be at work. A job that was given and has not shown itself may run since then: its program may be cut
 * off.
 */
export function executionEndsAt(worker: Worker, limits: EndpointLimits): EpochMs | undefined {
  const { state, phases, createdAt, lease } = worker;
  if (state === "running") return (phases.running ?? createdAt) + limits.executionMs;
  return hasUnsureJob(worker) && lease !== undefined ? lease.givenAt + limits.executionMs : undefined;
}

function dueInState(worker: Worker, limits: EndpointLimits): EpochMs | undefined {
  const { phases, heartbeatAt = worker.createdAt } = worker;
  const began = (phase: WorkerPhase) => phases[phase] ?? worker.createdAt;
  switch (worker.state) {
    case "reserving":
      return worker.createdAt + RESUME_START_MS;
    case "starting":
      return began("booting") + limits.bootMs;
    case "booted":
      return Math.min(began("preflight") + PREPARE_MS, heartbeatAt + HEARTBEAT_LOST_MS);
    case "listening":
      return Math.min(began("listening") + idleLimit(worker, limits), heartbeatAt + HEARTBEAT_LOST_MS);
    case "running":
      return Math.min(began("running") + limits.executionMs, heartbeatAt + HEARTBEAT_LOST_MS);
    case "finished":
      return began("done");
    case "lost":
      return heartbeatAt;
    case "released":
      return undefined;
  }
}

function earliest(...times: readonly (EpochMs | undefined)[]): EpochMs | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** How long it may listen without a job. */
export function idleLimit({ kind }: Worker, { idleMs, warmMs }: EndpointLimits): number {
  return kind === "program" ? warmMs : idleMs;
}

/** A program was given a job and has not shown that it arrived. */
export function hasUnsureJob({ state, lease }: Worker): boolean {
  return (state === "booted" || state === "listening") && lease !== undefined;
}

type Step = { readonly now: EpochMs; readonly limits: EndpointLimits };

/** The pool says started. Undefined when the worker has already gone further by itself: it boots faster than we write. */
export function started(worker: Worker, step: Step): Worker | undefined {
  if (worker.state !== "reserving") return undefined;
  return moved(worker, "starting", "booting", step);
}

/** The first boot to take owns the worker. `again`: the same boot asks once more, its answer was lost. */
export function taken(
  worker: Worker,
  bootId: string,
  step: Step,
): { type: "taken"; worker: Worker } | { type: "again" } | { type: "refused" } {
  if (worker.bootId !== undefined) {
    return worker.bootId === bootId && isServing(worker) ? { type: "again" } : { type: "refused" };
  }
  if (worker.state !== "reserving" && worker.state !== "starting") return { type: "refused" };
  const booting = worker.phases.booting ?? step.now;
  const booted = moved(worker, "booted", "preflight", step);
  return { type: "taken", worker: { ...booted, bootId, phases: { ...booted.phases, booting } } };
}

/** It asked for its registration; undefined once its runner listens or it is to drain: no registration then. */
export function registering(worker: Worker, step: Step, ask = nextAsk(worker)): Worker | undefined {
  if (worker.state !== "booted" || worker.drain !== undefined) return undefined;
  return { ...moved(worker, "booted", "registering", step), registered: true, registrationAsk: ask };
}

/** Of a worker that does not count its questions: each is the last. */
function nextAsk({ registrationAsk = 0 }: Worker): number {
  return registrationAsk + 1;
}

const PHASE_ORDER: readonly WorkerPhase[] = [
  "booting",
  "preflight",
  "registering",
  "listening",
  "running",
  "done",
];

const PHASE_STATE: { readonly [phase in WorkerPhase]?: WorkerState } = {
  listening: "listening",
  running: "running",
};

/** What a ping says. Undefined when it is not news: phases never go back, and none comes before the worker took its job. */
export function reported(
  worker: Worker,
  said: { readonly phase: WorkerPhase; readonly jobName: string | undefined },
  step: Step,
): Worker | undefined {
  const taken = worker.state === "booted" || worker.state === "listening";
  if (!taken || hasReached(worker, said.phase)) return undefined;
  const next = moved(worker, PHASE_STATE[said.phase] ?? worker.state, said.phase, step);
  return said.phase === "running" ? { ...next, runningJobName: said.jobName } : next;
}

/** It is in this phase or beyond it: pings may come late. */
function hasReached(worker: Worker, phase: WorkerPhase): boolean {
  const reached = PHASE_ORDER.slice(PHASE_ORDER.indexOf(phase));
  return reached.some((one) => worker.phases[one] !== undefined);
}

/** Its own report, or the one it left with the pool. Undefined when it has ended before. */
export function finished(worker: Worker, report: WorkerReport, step: Step): Worker | undefined {
  if (!isServing(worker)) return undefined;
  return { ...moved(worker, "finished", "done", step), report };
}

/** Its container is gone and it said nothing, or its start is given up. `report`: what is known of it all the same. */
export function lost(worker: Worker, step: Step, report = worker.report): Worker | undefined {
  if (!isServing(worker)) return undefined;
  return { ...moved(worker, "lost", "done", step), report, dueAt: step.now };
}

/** Taken down since it is needed no more: no fault of its own. Undefined when it has ended before. */
export function recalled(worker: Worker, reason: DrainReason, step: Step): Worker | undefined {
  const ended = lost(worker, step);
  return ended && { ...ended, drain: ended.drain ?? { reason, at: step.now } };
}

/** GitHub was asked whether this idle runner is registered still; asked again later. */
export function registrationChecked(worker: Worker, step: Step): Worker {
  return due({ ...worker, registrationCheckedAt: step.now }, step);
}

/** Asked to drain by its next ping. Undefined when it was asked before or has ended. */
export function draining(worker: Worker, reason: DrainReason, step: Step): Worker | undefined {
  if (!isServing(worker) || worker.drain !== undefined) return undefined;
  return due({ ...worker, drain: { reason, at: step.now } }, step);
}

/** Serves another job of the same endpoint and tenant from now on. */
export function serving(worker: Worker, jobId: JobId): Worker {
  return { ...worker, jobId, drain: undefined, spareUntil: undefined };
}

/** Has no job of its own, and is kept for one that GitHub may give it. */
export function isSpare({ state, drain, spareUntil }: Worker): boolean {
  return (state === "booted" || state === "listening") && drain === undefined && spareUntil !== undefined;
}

export function spared(worker: Worker, until: EpochMs, step: Step): Worker {
  return due({ ...worker, spareUntil: until }, step);
}

export function released(worker: Worker): Worker {
  return { ...worker, state: "released", dueAt: undefined };
}

/** How long the pool waits between TERM and KILL. */
export function graceMs(worker: Worker): number {
  return worker.state === "finished" ? FINISHED_GRACE_MS : STOP_GRACE_MS;
}

function moved(worker: Worker, state: WorkerState, phase: WorkerPhase, step: Step): Worker {
  const { now } = step;
  return due({ ...worker, state, phases: { ...worker.phases, [phase]: now }, heartbeatAt: now }, step);
}

function due(worker: Worker, { limits }: Step): Worker {
  return { ...worker, dueAt: workerDueAt(worker, limits) };
}
