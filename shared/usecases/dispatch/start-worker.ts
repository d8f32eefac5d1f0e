// The claim, by which exactly one pass starts a worker for a job, then the pool's start. Each may be repeated after a
// crash.

import type { EndpointLimits } from "../../domain/admission/endpoint.ts";
import { POOL_RETRY_MS, PREPARE_MS, PROGRAM_LIFE_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { claim, requeue, requeueAfterFailure, requeueUntil } from "../../domain/job/job-steps.ts";
import type { AvoidedNodes } from "../../domain/pool/node-trouble.ts";
import { avoidedNodes, hasNodesInTrouble } from "../../domain/pool/node-trouble.ts";
import { pausedFor } from "../../domain/pool/pool-gate.ts";
import { ownerOf, repositoryOf } from "../../domain/runner-scope.ts";
import { afterFailedStart } from "../../domain/worker/api-settling.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { graceMs, idleLimit, lost, released, started } from "../../domain/worker/worker-steps.ts";
import type { StartOutcome, StartSpec } from "../../ports/pool-driver.ts";
import type { Deps, PoolSettings } from "../deps.ts";
import { endpointOf, limitsOf } from "../deps.ts";
import { noteEnd } from "../ending/end-api-job.ts";
import { markReleased, releaseCards } from "../ending/release-worker.ts";
import type { Updated } from "../update.ts";
import { replaceSeen, updateJob, updatePool, updateWorker } from "../update.ts";
import { poolNodes } from "./pool-nodes.ts";
import type { Reserved } from "./reserve-workers.ts";
import { startSlots } from "./start-slots.ts";

export type StartResult = "started" | "claim-lost" | "failed";

export async function claimAndStart(deps: Deps, { worker, job }: Reserved): Promise<StartResult> {
  const claimed = await replaceSeen(deps.stores.jobs, job, claim(job, worker.id, deps.clock.now()));
  if (claimed === undefined) {
    await giveBack(deps, worker);
    return "claim-lost";
  }
  return start(deps, worker, claimed, true);
}

/**
 * A worker still `reserving` at its due time: its pass crashed before or after the claim, or while starting. One that
 * nobody needs any more is released in the ordinary way, since the pool may have started it all the same.
 */
export async function resumeStart(deps: Deps, worker: Worker): Promise<StartResult> {
  // The pass may only have stood still, and claim the job yet: behind this write it comes too late.
  const { item: job } = await updateJob(deps.stores.jobs, worker.jobId, (current) =>
    isWaiting(current) ? { ...current } : undefined,
  );
  if (job === undefined || job.workerId !== worker.id || isTerminal(job)) {
    await giveUp(deps, worker, "reserving");
    return "claim-lost";
  }
  return start(deps, worker, job, false);
}

/** `isFirst`: nobody can have tried to start it before. */
async function start(deps: Deps, worker: Worker, job: Job, isFirst: boolean): Promise<StartResult> {
  const pool = deps.pools.get(worker.pool);
  const spec = specOf(deps, worker, job);
  if (pool === undefined || spec === undefined) {
    const message = `${worker.endpoint} is no longer in dispatch.yaml`;
    return fail(deps, worker, { type: "refused", message }, isFirst);
  }
  const avoid = await avoidFor(deps, pool, job, worker.plan?.kept);
  const outcome = await askDriver(deps, pool, avoid === undefined ? spec : { ...spec, avoid });
  if (outcome.type !== "started") return fail(deps, worker, outcome, isFirst);
  deps.log.info("worker-started", {
    worker: worker.id,
    job: job.id,
    endpoint: worker.endpoint,
    pool: worker.pool,
    cards: worker.cards,
  });
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) => started(current, step));
  if (item !== undefined) await takeBack(deps, item);
  return "started";
}

/** Whether it was there for this one decides how many it is asked for next. */
async function askDriver(deps: Deps, pool: PoolSettings, spec: StartSpec): Promise<StartOutcome> {
  const slots = startSlots(deps, pool);
  try {
    const outcome = await pool.driver.start(spec);
    slots.note(outcome.type !== "unavailable" || outcome.of !== undefined);
    return outcome;
  } catch (fault) {
    slots.note(false);
    throw fault;
  }
}

/**
 * Called off while it was being started, or given up while this process stood still: only now is there something to stop.
 */
async function takeBack(deps: Deps, worker: Worker): Promise<void> {
  if (worker.state === "starting" && worker.drain !== undefined) await giveUp(deps, worker, "starting");
  const isGivenUp = worker.state === "lost" || worker.state === "released";
  if (isGivenUp) await deps.pools.get(worker.pool)?.driver.stop(worker.id, graceMs(worker));
}

function specOf(deps: Deps, worker: Worker, job: Job): StartSpec | undefined {
  const endpoint = endpointOf(deps, worker.endpoint);
  if (endpoint === undefined) return undefined;
  return {
    workerId: worker.id,
    endpoint: worker.endpoint,
    tenant: worker.tenant,
    ...placeOf(job),
    cards: worker.cards,
    slots: worker.slots,
    image: endpoint.image,
    command: endpoint.command,
    ...(endpoint.capabilities && { capabilities: endpoint.capabilities }),
    env: deps.workerEnv(worker),
    limitMs: lifeMs(worker, endpoint.limits),
    ...(worker.plan && { prefer: worker.plan.node }),
  };
}

/** Read at the start, not with the choice: a worker that failed meanwhile counts too. */
async function avoidFor(
  deps: Deps,
  settings: PoolSettings,
  { cards, failedOn }: Job,
  kept: string | undefined,
): Promise<AvoidedNodes | undefined> {
  if (settings.driver.capabilities.nodes !== true) return undefined;
  const pool = await deps.stores.pools.get(settings.name);
  if (pool === undefined) return undefined;
  if (failedOn === undefined && kept === undefined && !hasNodesInTrouble(pool)) return undefined;
  return avoidedNodes(pool, await poolNodes(deps, settings), { cards, failedOn, kept });
}

/** Whose it is, by the job alone: a start that is tried again must come out the same. */
function placeOf({ github, api }: Job): Pick<StartSpec, "owner" | "repository"> {
  if (github !== undefined) {
    return { owner: github.repository.owner.login, repository: github.repository.name };
  }
  const scope = api?.runner?.scope;
  if (scope === undefined) return {};
  const repository = repositoryOf(scope);
  return { owner: ownerOf(scope), ...(repository !== undefined && { repository }) };
}

/** A program serves jobs one after the other; the last one begins at the end of its life at the latest. */
function lifeMs(worker: Worker, limits: EndpointLimits): number {
  const { bootMs, executionMs } = limits;
  const furtherMs = worker.kind === "program" ? PROGRAM_LIFE_MS : 0;
  return bootMs + PREPARE_MS + idleLimit(worker, limits) + executionMs + furtherMs;
}

type Failure = Exclude<StartOutcome, { type: "started" }>;
type Unavailable = Extract<StartOutcome, { type: "unavailable" }>;

/**
 * The job waits again, with the reason; the worker is released in the ordinary way, since a lost answer may have started
 * it. One that has booted meanwhile is the proof that it was started: it keeps its job, and speaks for itself.
 */
async function fail(deps: Deps, worker: Worker, outcome: Failure, isFirst: boolean): Promise<StartResult> {
  deps.log.warn("worker-not-started", {
    worker: worker.id,
    job: worker.jobId,
    pool: worker.pool,
    reason: outcome.type,
    message: outcome.message,
  });
  if (outcome.type === "unavailable" && outcome.of !== "job") await pausePool(deps, worker, outcome);
  if (outcome.type === "unavailable" && outcome.madeNothing && isFirst) {
    await waitAgain(deps, worker, outcome);
    await dropStart(deps, worker);
    return "failed";
  }
  // The worker first: behind this write it cannot boot any more.
  const givenUp = await giveUp(deps, worker, "reserving", outcome.message);
  if (!givenUp.changed) return givenUp.item !== undefined && isServing(givenUp.item) ? "started" : "failed";
  await waitAgain(deps, worker, outcome);
  return "failed";
}

async function waitAgain(deps: Deps, worker: Worker, outcome: Failure): Promise<void> {
  const now = deps.clock.now();
  const { item, changed } = await updateJob(deps.stores.jobs, worker.jobId, (job) => {
    if (job.workerId !== worker.id || isTerminal(job)) return undefined;
    return waitingAgain(job, outcome, { now, random: deps.random.fraction() });
  });
  if (changed && item !== undefined) await noteEnd(deps, item);
}

/**
 * Its cards come back at once: a pool that is away could not say for a while that there is nothing to stop, and would seem
 * full meanwhile. Not so one whose start somebody else has resumed.
 */
async function dropStart(deps: Deps, worker: Worker): Promise<void> {
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.state === "reserving" ? released(current) : undefined,
  );
  if (changed) await releaseCards(deps, worker.pool, worker.id);
}

function waitingAgain(
  job: Job,
  outcome: Failure,
  { now, random }: { readonly now: EpochMs; readonly random: number },
): Job {
  // Not the job's fault, nor the image's: it keeps its place.
  if (outcome.type === "cut-off") return requeue(job);
  if (outcome.type === "unavailable") {
    return outcome.of === "job"
      ? requeueUntil(job, outcome.message, now + retryMs(outcome), now)
      : requeue(job);
  }
  const failure = { outcome: "refused", message: outcome.message } as const;
  return job.api === undefined
    ? requeueAfterFailure(job, failure, now, random)
    : afterFailedStart(job, failure, { now, random });
}

function retryMs({ retryAfterMs }: { readonly retryAfterMs: number | undefined }): number {
  return retryAfterMs ?? POOL_RETRY_MS;
}

/** Only from this state. `why` is the job's reason, should the job's own write never come. */
function giveUp(
  deps: Deps,
  worker: Worker,
  from: "reserving" | "starting",
  why?: string,
): Promise<Updated<Worker>> {
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  return updateWorker(deps.stores.workers, worker.id, (current) => {
    const next = current.state === from ? lost(current, step) : undefined;
    return next === undefined || why === undefined
      ? next
      : { ...next, lostWhy: `it was not started: ${why}` };
  });
}

/** Where that is contended, the next start that fails pauses it. */
async function pausePool(deps: Deps, worker: Worker, outcome: Unavailable): Promise<void> {
  const tenant = outcome.of === "tenant" ? worker.tenant : undefined;
  const pause = { forMs: retryMs(outcome), why: outcome.message, full: outcome.full, tenant };
  await updatePool(deps, worker.pool, (pool) => pausedFor(pool, pause, deps.clock.now()));
}

/** Nothing was asked of the pool yet. */
async function giveBack(deps: Deps, worker: Worker): Promise<void> {
  await markReleased(deps, worker.id);
  await releaseCards(deps, worker.pool, worker.id);
}
