// A program asks for a job: its own, given again when the answer may have been lost, or the next one of its lane.

import type { EpochMs, JobId, WorkerId } from "../../domain/ids.ts";
import { startedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { bindApi } from "../../domain/job/job-steps.ts";
import type { Said } from "../../domain/said.ts";
import type { JobLease, Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import {
  acked,
  canTake,
  given,
  isAfterLease,
  isGivenInVain,
  isSameLease,
  leaseNameOf,
  undelivered,
  unleased,
} from "../../domain/worker/worker-lease.ts";
import { kindFor, taken } from "../../domain/worker/worker-steps.ts";
import type { TakenJob } from "../../protocol/worker-plane.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { makeWay } from "../dispatch/make-way.ts";
import { isPaused } from "../dispatch/pause-gate.ts";
import { endApiJob } from "../ending/end-api-job.ts";
import { loadJson } from "../storage/load-json.ts";
import { updateJob, updateWorker } from "../update.ts";
import { endAfterLast } from "./end-after-last.ts";
import { loseResult } from "./program-job.ts";
import { takenJobOf } from "./take-job.ts";
import { yieldCards } from "./yield-cards.ts";

export type GiveOutcome =
  | { readonly type: "given"; readonly jobId: JobId; readonly job: TakenJob }
  /** `waits`: there may be a job for it later. */
  | { readonly type: "nothing"; readonly waits: boolean }
  /** Started for a runner: it is told what that needs. */
  | { readonly type: "not-a-program" };

export type Ask = {
  readonly bootId: string;
  /** It has a job in progress by its own word. */
  readonly inProgress: boolean;
  /** When its call reached us; absent: just now. A poll is held, and may be held for nobody. */
  readonly saidAt?: EpochMs;
  /** Not the first look for this call. */
  readonly isHeld?: boolean;
};

/** How many waiting jobs of the lane are looked at for one of its endpoint. */
const SEARCHED = 20;
const NOTHING = { type: "nothing", waits: true } as const;

export async function giveJob(deps: Deps, id: WorkerId, ask: Ask): Promise<GiveOutcome> {
  const saidAt = ask.saidAt ?? deps.clock.now();
  const worker = await boot(deps, id, ask.bootId);
  if (worker === undefined) return { type: "nothing", waits: false };
  if (worker.kind !== "program") return { type: "not-a-program" };
  if (!isServing(worker) || worker.drain !== undefined) {
    // Its result was heard, and a crash came before its own end.
    if (worker.lease === undefined) await endAfterLast(deps, id);
    return { type: "nothing", waits: false };
  }
  if (worker.lease === undefined) return giveNext(deps, worker, ask);
  // It asked before it was given what it has now: this call is an old one, and may have nobody who hears the answer.
  const said = { saidAt, now: deps.clock.now() };
  if (!isAfterLease(worker.lease, said)) return NOTHING;
  if (ask.inProgress) return noteArrival(deps, worker, said);
  if (worker.lease.ackedAt === undefined) return giveAgain(deps, worker, ask);
  const freed = await loseResult(deps, worker, "it asked for another job without returning a result");
  return freed === undefined ? NOTHING : giveNext(deps, freed, ask);
}

async function noteArrival(deps: Deps, worker: Worker, said: Said): Promise<GiveOutcome> {
  const job = worker.jobId;
  const note = (current: Worker) => acked(current, job, { ...stepOf(deps, current), ...said });
  await updateWorker(deps.stores.workers, worker.id, note, worker);
  return NOTHING;
}

/** The first boot to ask owns the worker; undefined for any other, and for a worker that is not known. */
async function boot(deps: Deps, id: WorkerId, bootId: string): Promise<Worker | undefined> {
  const seen = await deps.stores.workers.get(id);
  if (seen?.bootId !== undefined) return seen.bootId === bootId ? seen : undefined;
  if (seen !== undefined && seen.kind !== "program") return seen;
  const { item } = await updateWorker(deps.stores.workers, id, (current) => {
    const outcome = taken(current, bootId, stepOf(deps, current));
    return outcome.type === "taken" ? outcome.worker : undefined;
  });
  return item?.bootId === bootId ? item : undefined;
}

async function giveAgain(deps: Deps, worker: Worker, ask: Ask): Promise<GiveOutcome> {
  const { lease } = worker;
  if (lease === undefined) return NOTHING;
  const job = await deps.stores.jobs.get(lease.jobId);
  if (job !== undefined && isGivenInVain(lease)) {
    const message = `its worker was given the job ${lease.times} times and never showed that it has it`;
    await endApiJob(deps, worker, job.id, {
      state: "FAILED",
      reason: "worker-failed",
      message,
      error: `${message}: is the input one that its program accepts?`,
    });
  } else if (job !== undefined) {
    const outcome = await hand(deps, worker, job);
    if (outcome !== undefined) return outcome;
  }
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    unleased(current, lease, stepOf(deps, current)),
  );
  return item === undefined || item.lease !== undefined ? NOTHING : giveNext(deps, item, ask);
}

async function giveNext(deps: Deps, worker: Worker, ask: Ask): Promise<GiveOutcome> {
  const own = await deps.stores.jobs.get(worker.jobId);
  const isOwn = own?.workerId === worker.id && !isTerminal(own) && !mayBeAtWorkOn(own, ask);
  const outcome = isOwn ? await hand(deps, worker, own) : undefined;
  if (outcome !== undefined) return outcome;
  if (!canTake(worker, deps.clock.now())) return { type: "nothing", waits: false };
  return giveOfLane(deps, worker, ask);
}

async function giveOfLane(deps: Deps, worker: Worker, ask: Ask): Promise<GiveOutcome> {
  const lane = { pool: worker.pool, tenant: worker.tenant };
  for (const head of await deps.stores.jobs.heads(lane, SEARCHED)) {
    const job = await deps.stores.jobs.get(head.id);
    if (job === undefined || !isFor(worker, job, ask)) continue;
    if (await isPaused(deps, worker)) return NOTHING;
    if (await yieldCards(deps, worker, job)) return { type: "nothing", waits: false };
    const handed = await hand(deps, worker, job);
    if (handed !== undefined) return handed;
  }
  // Who waits since before this program was idle was told of no change.
  if (ask.isHeld !== true) await makeWay(deps, worker.pool);
  return NOTHING;
}

function isFor(worker: Worker, job: Job, ask: Ask): boolean {
  return isWaiting(job) && isAlike(worker, job) && !mayBeAtWorkOn(job, ask);
}

/**
 * What a program has in progress by its own word may be the life before: that one's result would be taken for this one's.
 */
function mayBeAtWorkOn({ api }: Job, { inProgress }: Ask): boolean {
  return inProgress && (api?.generation ?? 1) > 1;
}

function isAlike(worker: Worker, job: Job): boolean {
  return kindFor(job) === "program" && job.endpoint === worker.endpoint && job.tenant === worker.tenant;
}

/**
 * The worker's lease first, then the job: a crash between the two leaves a job that still waits, and a lease that the
 * next ask makes good or gives up. Undefined when somebody else has the job, or the worker has moved on.
 */
async function hand(deps: Deps, worker: Worker, job: Job): Promise<GiveOutcome | undefined> {
  const lease = leaseNameOf(job);
  const { item: holder, changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    mayHold(current, lease, worker)
      ? given(current, { id: job.id, generation: lease.generation }, stepOf(deps, current))
      : undefined,
  );
  if (!changed || holder === undefined) return NOTHING;
  const { item } = await updateJob(deps.stores.jobs, job.id, (current) =>
    current.api?.generation === lease.generation ? begun(current, worker.id, deps.clock.now()) : undefined,
  );
  const isIts =
    item?.workerId === worker.id && item.api?.generation === lease.generation && !isTerminal(item);
  const input = isIts ? await inputOf(deps, holder, item) : undefined;
  if (isIts && input !== undefined) {
    const taken = takenJobOf(deps, item, { input, now: deps.clock.now() });
    return { type: "given", jobId: item.id, job: taken };
  }
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    unleased(current, lease, stepOf(deps, current)),
  );
  return undefined;
}

/** Another job may have been bound to it since it was read: that one must not lose its worker. */
function mayHold(current: Worker, lease: Pick<JobLease, "jobId" | "generation">, seen: Worker): boolean {
  if (!isServing(current) || current.drain !== undefined) return false;
  if (current.lease !== undefined) return isSameLease(current.lease, lease);
  return current.jobId === seen.jobId || current.jobId === lease.jobId;
}

/** Bound and in progress in one write; the same object when it is already. */
function begun(job: Job, worker: WorkerId, now: number): Job | undefined {
  if (job.workerId === worker) return startedApi(job, now);
  if (!isWaiting(job)) return undefined;
  return startedApi(bindApi(job, worker, now), now);
}

async function inputOf(deps: Deps, holder: Worker, job: Job): Promise<unknown> {
  const input = await loadJson(deps, job.api?.input);
  if (input !== undefined) return input;
  const message = "its input is no longer stored: it waited for too long; send it again";
  await endApiJob(deps, holder, job.id, {
    state: "FAILED",
    reason: "input-lost",
    message,
    error: message,
  });
  return undefined;
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}

/** It is given again with the worker's next ask. Nothing happens once the worker has shown that it has it. */
export async function returnJob(deps: Deps, id: WorkerId, job: JobId): Promise<void> {
  const { changed } = await updateWorker(deps.stores.workers, id, (current) =>
    undelivered(current, job, { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) }),
  );
  if (changed) deps.log.warn("job-not-delivered", { worker: id, job, reason: "its connection closed" });
}
