// A program asks for a job: its own, given again when the answer may have been lost, or the next one of its lane.

import type { JobId, WorkerId } from "../../domain/ids.ts";
import { startedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { bind } from "../../domain/job/job-steps.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { acked, canTake, given, isGivenInVain, unleased } from "../../domain/worker/worker-lease.ts";
import { kindFor, taken } from "../../domain/worker/worker-steps.ts";
import type { TakenJob } from "../../protocol/worker-plane.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { isPaused } from "../dispatch/pause-gate.ts";
import { endApiJob } from "../ending/end-api-job.ts";
import { updateJob, updateWorker } from "../update.ts";
import { loseResult } from "./lose-result.ts";
import { takenJobOf } from "./taken-job.ts";
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
};

/** How many waiting jobs of the lane are looked at for one of its endpoint. */
const SEARCHED = 20;
const NOTHING = { type: "nothing", waits: true } as const;

export async function giveJob(deps: Deps, id: WorkerId, ask: Ask): Promise<GiveOutcome> {
  const worker = await boot(deps, id, ask.bootId);
  if (worker === undefined) return { type: "nothing", waits: false };
  if (worker.kind !== "program") return { type: "not-a-program" };
  if (!isServing(worker) || worker.drain !== undefined) return { type: "nothing", waits: false };
  if (worker.lease === undefined) return giveNext(deps, worker);
  if (ask.inProgress) {
    const { lease } = worker;
    await updateWorker(
      deps.stores.workers,
      id,
      (current) => acked(current, lease.jobId, stepOf(deps, current)),
      worker,
    );
    return NOTHING;
  }
  if (worker.lease.ackedAt === undefined) return giveAgain(deps, worker);
  const freed = await loseResult(deps, worker, "it asked for another job without returning a result");
  return freed === undefined ? NOTHING : giveNext(deps, freed);
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

async function giveAgain(deps: Deps, worker: Worker): Promise<GiveOutcome> {
  const { lease } = worker;
  const job = await deps.stores.jobs.get(worker.jobId);
  if (lease !== undefined && job !== undefined && isGivenInVain(lease)) {
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
    unleased(current, worker.jobId, stepOf(deps, current)),
  );
  return item === undefined ? NOTHING : giveNext(deps, item);
}

async function giveNext(deps: Deps, worker: Worker): Promise<GiveOutcome> {
  const own = await deps.stores.jobs.get(worker.jobId);
  const isOwn = own?.workerId === worker.id && !isTerminal(own);
  const outcome = isOwn ? await hand(deps, worker, own) : undefined;
  if (outcome !== undefined) return outcome;
  if (!canTake(worker, deps.clock.now())) return { type: "nothing", waits: false };
  return giveOfLane(deps, worker);
}

async function giveOfLane(deps: Deps, worker: Worker): Promise<GiveOutcome> {
  const lane = { pool: worker.pool, tenant: worker.tenant };
  for (const head of await deps.stores.jobs.heads(lane, SEARCHED)) {
    const job = await deps.stores.jobs.get(head.id);
    if (job === undefined || !isWaiting(job) || !isAlike(worker, job)) continue;
    if (await isPaused(deps, worker)) return NOTHING;
    if (await yieldCards(deps, worker, job)) return { type: "nothing", waits: false };
    const handed = await hand(deps, worker, job);
    if (handed !== undefined) return handed;
  }
  return NOTHING;
}

function isAlike(worker: Worker, job: Job): boolean {
  return kindFor(job) === "program" && job.endpoint === worker.endpoint && job.tenant === worker.tenant;
}

/**
 * The worker's lease first, then the job: a crash between the two leaves a job that still waits, and a lease that the
 * next ask makes good or gives up. Undefined when somebody else has the job, or the worker has moved on.
 */
async function hand(deps: Deps, worker: Worker, job: Job): Promise<GiveOutcome | undefined> {
  const generation = job.api?.generation ?? 0;
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) => {
    const isFree = current.lease === undefined || current.lease.jobId === job.id;
    if (!isServing(current) || current.drain !== undefined || !isFree) return undefined;
    return given(current, { id: job.id, generation }, stepOf(deps, current));
  });
  if (!changed) return NOTHING;
  const { item } = await updateJob(deps.stores.jobs, job.id, (current) =>
    current.api?.generation === generation ? begun(current, worker.id, deps.clock.now()) : undefined,
  );
  const isIts = item?.workerId === worker.id && item.api?.generation === generation && !isTerminal(item);
  const json = isIts ? await inputOf(deps, worker, item) : undefined;
  if (isIts && json !== undefined) {
    const job = takenJobOf(deps, item, { input: json, now: deps.clock.now() });
    return { type: "given", jobId: item.id, job };
  }
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    unleased(current, job.id, stepOf(deps, current)),
  );
  return undefined;
}

/** Bound and in progress in one write; the same object when it is already. */
function begun(job: Job, worker: WorkerId, now: number): Job | undefined {
  if (job.workerId === worker) return startedApi(job, now);
  if (!isWaiting(job)) return undefined;
  return { ...startedApi(bind(job, worker), now) };
}

async function inputOf(deps: Deps, worker: Worker, job: Job): Promise<string | undefined> {
  const json = job.api === undefined ? undefined : await deps.apiStores.payloads.get(job.api.input);
  if (json !== undefined) return json;
  const message = "its input is no longer stored: it waited for too long; send it again";
  await endApiJob(deps, { ...worker, jobId: job.id, lease: undefined }, job.id, {
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
