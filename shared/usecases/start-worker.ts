// The claim, by which exactly one pass starts a worker for a job, then the pool's start. Each may be repeated after a crash.
import { afterFailedStart } from "../domain/api-settling.ts";
import { POOL_RETRY_MS, PROGRAM_LIFE_MS } from "../domain/deadlines.ts";
import type { EndpointLimits } from "../domain/endpoint.ts";
import type { Job } from "../domain/job.ts";
import { isTerminal, isWaiting } from "../domain/job.ts";
import { claim, requeue, requeueAfterFailure } from "../domain/job-steps.ts";
import type { Worker } from "../domain/worker.ts";
import { graceMs, lost, started } from "../domain/worker-steps.ts";
import type { StartOutcome, StartSpec } from "../ports/pool-driver.ts";
import type { Deps } from "./deps.ts";
import { endpointOf, limitsOf } from "./deps.ts";
import { noteEnd } from "./end-api-job.ts";
import { markReleased, releaseCards } from "./release-worker.ts";
import type { Reserved } from "./reserve-workers.ts";
import { updateJob, updateWorker } from "./update.ts";

export type StartResult = "started" | "claim-lost" | "failed";

export async function claimAndStart(deps: Deps, { worker, job }: Reserved): Promise<StartResult> {
  const claimed = claim(job, worker.id, deps.clock.now());
  if (!(await deps.stores.jobs.replace(claimed))) {
    await giveBack(deps, worker);
    return "claim-lost";
  }
  return start(deps, worker, claimed);
}

/**
 * A worker still `reserving` at its due time: its pass crashed before or after the claim, or while starting. One that
 * nobody needs any more is released in the ordinary way, since the pool may have started it all the same.
 */
export async function resumeStart(deps: Deps, worker: Worker): Promise<StartResult> {
  // The pass may only have stood still, and claim the job yet: behind this write it comes too late.
  const { item: job } = await updateJob(deps.stores.jobs, worker.jobId, (current) =>
    isWaiting(current) ? { ...current, version: current.version + 1 } : undefined,
  );
  if (job === undefined || job.workerId !== worker.id || isTerminal(job)) {
    await giveUp(deps, worker);
    return "claim-lost";
  }
  return start(deps, worker, job);
}

async function start(deps: Deps, worker: Worker, job: Job): Promise<StartResult> {
  const pool = deps.pools.get(worker.pool);
  const spec = specOf(deps, worker, job);
  if (pool === undefined || spec === undefined) {
    await fail(deps, worker, {
      type: "refused",
      message: `${worker.endpoint} is no longer in dispatch.yaml`,
    });
    return "failed";
  }
  const outcome = await pool.driver.start(spec);
  if (outcome.type !== "started") {
    await fail(deps, worker, outcome);
    return "failed";
  }
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

/** Called off while it was being started, or given up while this process stood still: only now is there something to stop. */
async function takeBack(deps: Deps, worker: Worker): Promise<void> {
  if (worker.state === "starting" && worker.drain !== undefined) await giveUp(deps, worker);
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
    env: deps.workerEnv(worker),
    limitMs: lifeMs(worker, endpoint.limits),
  };
}

/** Whose it is, by the job alone: a start that is tried again must come out the same. */
function placeOf({ github, api }: Job): Pick<StartSpec, "owner" | "repository"> {
  if (github !== undefined) {
    return { owner: github.repository.owner.login, repository: github.repository.name };
  }
  const scope = api?.runner?.scope;
  if (scope === undefined) return {};
  return scope.type === "organization"
    ? { owner: scope.org }
    : { owner: scope.owner, repository: scope.repo };
}

/** A program serves jobs one after the other; the last one begins at the end of its life at the latest. */
function lifeMs({ kind }: Worker, { bootMs, executionMs }: EndpointLimits): number {
  return bootMs + executionMs + (kind === "program" ? PROGRAM_LIFE_MS : 0);
}

/** The job waits again, with the reason; the worker is released in the ordinary way, since a lost answer may have started it. */
async function fail(
  deps: Deps,
  worker: Worker,
  outcome: Exclude<StartOutcome, { type: "started" }>,
): Promise<void> {
  const now = deps.clock.now();
  deps.log.warn("worker-not-started", {
    worker: worker.id,
    job: worker.jobId,
    pool: worker.pool,
    reason: outcome.type,
    message: outcome.message,
  });
  if (outcome.type === "unavailable")
    await pausePool(deps, worker, now + (outcome.retryAfterMs ?? POOL_RETRY_MS), outcome.message);
  const { item, changed } = await updateJob(deps.stores.jobs, worker.jobId, (job) => {
    if (job.workerId !== worker.id || isTerminal(job)) return undefined;
    // Not the job's fault, nor the image's: it keeps its place, and waits for nothing.
    if (outcome.type === "unavailable" || outcome.type === "cut-off") return requeue(job);
    const failure = { outcome: "refused", message: outcome.message } as const;
    return job.api === undefined
      ? requeueAfterFailure(job, failure, now, deps.random.fraction())
      : afterFailedStart(job, failure, { now, random: deps.random.fraction() });
  });
  if (changed && item !== undefined) await noteEnd(deps, item);
  await giveUp(deps, worker);
}

async function giveUp(deps: Deps, worker: Worker): Promise<void> {
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  await updateWorker(deps.stores.workers, worker.id, (current) => lost(current, step));
}

async function pausePool(deps: Deps, worker: Worker, until: number, why: string): Promise<void> {
  for (;;) {
    const pool = await deps.stores.pools.get(worker.pool);
    if (pool === undefined || (pool.unavailableUntil ?? 0) >= until) return;
    const next = { ...pool, version: pool.version + 1, unavailableUntil: until, unavailableWhy: why };
    if (await deps.stores.pools.replace(next)) return;
  }
}

/** Nothing was asked of the pool yet. */
async function giveBack(deps: Deps, worker: Worker): Promise<void> {
  await markReleased(deps, worker.id);
  await releaseCards(deps, worker.pool, worker.id);
}
