// The hold of a program on its job: given, shown to have arrived, gone without a result, or done with.
//
//   booted --given--> (lease) --ack--> running --result--> listening --given--> (lease) …
//
// RunPod's SDK confirms nothing by itself: that a job has arrived shows in its pings, its progress or its result.
//
// What a program says is about the job that it had when it said so. A call may be acted on late (a store that is slow, a
// connection that has long been given up), and by then its worker may hold another job, or another life of the same one.

import type { EndpointLimits } from "../admission/endpoint.ts";
import { CLOCK_SKEW_MS, LEASE_MISSED_MS, PROGRAM_LIFE_MS } from "../deadlines.ts";
import type { EpochMs, JobId } from "../ids.ts";
import type { Job } from "../job/job.ts";
import type { Said } from "../said.ts";
import { isSaidSince, mayKnowOf } from "../said.ts";
import type { JobLease, Worker } from "./worker.ts";
import { isServing } from "./worker.ts";
import { workerDueAt } from "./worker-steps.ts";

type Step = { readonly now: EpochMs; readonly limits: EndpointLimits };

/** Which life of which job it is for. */
type LeaseName = Pick<JobLease, "jobId" | "generation">;

/** Of the job as it is now; a job that is no API job has no lives. */
export function leaseNameOf({ id, api }: Pick<Job, "id" | "api">): LeaseName {
  return { jobId: id, generation: api?.generation ?? 0 };
}

/** Given this often and never shown to have arrived: the program cannot take this job, e.g. `input: null` in SDK 1.7.0. */
const MAX_TIMES = 5;

/** May be given a job: it holds none, nobody has asked it to end, and it is not too old. */
export function canTake(worker: Worker, now: EpochMs): boolean {
  return isIdleProgram(worker) && now < worker.createdAt + PROGRAM_LIFE_MS;
}

export function isIdleProgram(worker: Worker): boolean {
  const waits = worker.state === "booted" || worker.state === "listening";
  return worker.kind === "program" && waits && worker.lease === undefined && worker.drain === undefined;
}

/** The job is on its way to the worker. It may be given again as long as nothing shows that it arrived. */
export function given(
  worker: Worker,
  job: { readonly id: JobId; readonly generation: number },
  step: Step,
): Worker {
  const before = worker.lease;
  const again = before?.jobId === job.id && before.generation === job.generation;
  const lease: JobLease = {
    jobId: job.id,
    generation: job.generation,
    givenAt: step.now,
    times: again ? before.times + 1 : 1,
    ackedAt: undefined,
    missedAt: undefined,
  };
  return next({ ...worker, jobId: job.id, lease, heartbeatAt: step.now }, step);
}

export function isGivenInVain(lease: JobLease): boolean {
  return lease.ackedAt === undefined && lease.times >= MAX_TIMES;
}

export function isSameLease(one: LeaseName | undefined, other: LeaseName | undefined): boolean {
  return one?.jobId === other?.jobId && one?.generation === other?.generation;
}

/** The program may have meant this lease: it said so after it was given. */
export function isWordOf(lease: JobLease, said: Said): boolean {
  return mayKnowOf(lease.givenAt, said);
}

/** It spoke when this lease had surely reached it: what it leaves out then, it has not got, or no longer. */
export function isAfterLease({ givenAt, ackedAt }: JobLease, said: Said): boolean {
  return isSaidSince(ackedAt === undefined ? givenAt : ackedAt + CLOCK_SKEW_MS, said);
}

/** The worker has shown that it has this job. Undefined when that is not news. */
export function acked(worker: Worker, job: JobId, step: Step & Said): Worker | undefined {
  const { lease } = worker;
  if (!isServing(worker) || lease?.jobId !== job || !isWordOf(lease, step)) return undefined;
  if (lease.ackedAt !== undefined && lease.missedAt === undefined) return undefined;
  const held: JobLease = { ...lease, ackedAt: lease.ackedAt ?? step.now, missedAt: undefined };
  const running = worker.phases.running ?? step.now;
  const phases = { ...worker.phases, running };
  return next({ ...worker, state: "running", lease: held, phases, heartbeatAt: step.now }, step);
}

/**
 * A ping without the job that the worker was known to have. `lost` once that has lasted: one ping may have been under
 * way while the job arrived.
 */
export function missed(
  worker: Worker,
  step: Step & Said,
):
  | { readonly type: "present" }
  | { readonly type: "noted"; readonly worker: Worker }
  | { readonly type: "lost" } {
  const { lease } = worker;
  if (!isServing(worker) || lease?.ackedAt === undefined) return { type: "present" };
  if (!isAfterLease(lease, step)) return { type: "present" };
  const { missedAt } = lease;
  if (missedAt !== undefined && step.now >= missedAt + LEASE_MISSED_MS) return { type: "lost" };
  if (missedAt !== undefined) return { type: "present" };
  return { type: "noted", worker: next({ ...worker, lease: { ...lease, missedAt: step.now } }, step) };
}

/**
 * Its answer was not delivered: it is not counted, and given again with the next ask. The program may have it all the
 * same.
 */
export function undelivered(worker: Worker, job: JobId, step: Step): Worker | undefined {
  const { lease } = worker;
  if (!isServing(worker) || lease?.jobId !== job || lease.ackedAt !== undefined) return undefined;
  return next({ ...worker, lease: { ...lease, times: Math.max(0, lease.times - 1) } }, step);
}

/** The job is no longer its own: done, lost or taken back. Who has asked for one waits for the next, arrived or not. */
export function unleased(worker: Worker, lease: LeaseName, step: Step): Worker | undefined {
  if (!isServing(worker) || worker.lease === undefined || !isSameLease(worker.lease, lease)) return undefined;
  const { running: _running, ...phases } = worker.phases;
  const idle = { ...phases, listening: step.now };
  return next({ ...worker, state: "listening", lease: undefined, phases: idle }, step);
}

function next(worker: Worker, { limits }: Step): Worker {
  return { ...worker, dueAt: workerDueAt(worker, limits) };
}
