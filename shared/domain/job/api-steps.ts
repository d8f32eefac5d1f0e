// How a job of the API moves: submitted, taken, reporting, ended, tried again. Each step returns the next version.

import type { Endpoint } from "../admission/endpoint.ts";
import { ADMIT_MS, ASYNC_RESULT_MS, SYNC_RESULT_MS } from "../deadlines.ts";
import type { EpochMs, JobId } from "../ids.ts";
import type { ApiCaller, ApiPolicy, ApiSide, RunnerRequest } from "./api-job.ts";
import type { EndReason } from "./end-reason.ts";
import type { Job } from "./job.ts";
import { isTerminal } from "./job.ts";
import { mayBeRetried, withoutInput } from "./kept-payloads.ts";
import type { Payload } from "./payload.ts";

/** Within its lane an ordinary job goes before one with `lowPriority`. */
const PRIORITY = 500;
const LOW_PRIORITY = 0;

export type NewApiJob = {
  readonly id: JobId;
  readonly endpoint: Endpoint;
  readonly caller: ApiCaller;
  readonly kind: ApiSide["kind"];
  readonly resultMs?: number | undefined;
  readonly policy: ApiPolicy;
  readonly requestHash: string;
  readonly input: Payload;
  /** undefined for an endpoint whose worker registers no runner. */
  readonly runner: RunnerRequest | undefined;
  readonly sealedS3Config?: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly now: EpochMs;
};

export function newApiJob(parts: NewApiJob): Job {
  const { id, endpoint, caller, policy, now } = parts;
  return {
    id,
    version: 1,
    origin: "api",
    state: "IN_QUEUE",
    endpoint: endpoint.name,
    pool: endpoint.pool,
    cards: endpoint.cards,
    tenant: caller.tenant,
    priority: policy.lowPriority ? LOW_PRIORITY : PRIORITY,
    createdAt: now,
    queuedAt: now,
    hold: undefined,
    workerId: undefined,
    formerWorkerId: undefined,
    starts: 0,
    failedStarts: 0,
    verifyAt: undefined,
    admitAt: now + ADMIT_MS,
    phases: { queued: now },
    end: undefined,
    github: undefined,
    api: newApiSide(parts),
  };
}

function newApiSide(parts: NewApiJob): ApiSide {
  const { caller, kind, policy, requestHash, input, runner, sealedS3Config, callbackUrl } = parts;
  return {
    generation: 1,
    kind,
    ...(parts.resultMs !== undefined && { resultMs: parts.resultMs }),
    policy,
    requestHash,
    repositoryId: caller.repositoryId,
    run: caller.run,
    input,
    output: undefined,
    error: undefined,
    runner,
    sealedS3Config,
    callback: callbackUrl === undefined ? undefined : { url: callbackUrl, tries: 0, dueAt: undefined },
    startedAt: undefined,
    endedAt: undefined,
    expiresAt: undefined,
    stream: { written: 0, drained: 0 },
    retries: 0,
  };
}

/** The worker took it. A take that is repeated, by it or by the next worker, does not move the start. */
export function startedApi(job: Job, now: EpochMs): Job {
  if (job.api === undefined || isTerminal(job)) return job;
  if (job.state === "IN_PROGRESS" && job.api.startedAt !== undefined) return job;
  const startedAt = job.api.startedAt ?? now;
  return next(job, { ...job.api, startedAt }, { state: "IN_PROGRESS", hold: undefined });
}

/** What `/status` shows as `output` until the end. Progress that comes late, after the end, is no news. */
export function progressed(job: Job, output: Payload): Job {
  if (job.api === undefined || job.state !== "IN_PROGRESS") return job;
  return next(job, { ...job.api, output });
}

/** The first pickup of a workflow job by its runner; from then on its ttl no longer counts. */
export function pickedUp(job: Job, at: EpochMs): Job {
  if (job.api === undefined || isTerminal(job) || job.phases.running !== undefined) return job;
  return next(job, job.api, { phases: { ...job.phases, running: at } });
}

export type ApiEnd = {
  readonly state: "COMPLETED" | "FAILED" | "CANCELLED" | "TIMED_OUT";
  readonly reason: EndReason;
  /** A sentence for people; no secret. */
  readonly message: string;
  readonly output?: Payload | undefined;
  readonly error?: string | undefined;
};

/** Terminal: its result is kept for a while, its callback is due, its PAT is gone. */
export function endedApi(job: Job, end: ApiEnd, now: EpochMs): Job {
  if (job.api === undefined || isTerminal(job)) return job;
  const { api } = job;
  const ended: ApiSide = {
    ...api,
    output: end.output,
    error: end.error,
    runner: api.runner && withoutPat(api.runner),
    callback: api.callback && { ...api.callback, dueAt: now },
    endedAt: now,
    expiresAt: now + resultMsOf(api),
  };
  // A job that no `/retry` can start again has no more use for its input.
  const side = mayBeRetried({ state: end.state, api: ended }) ? ended : withoutInput(ended);
  return next(job, side, {
    state: end.state,
    hold: undefined,
    verifyAt: undefined,
    admitAt: undefined,
    end: { reason: end.reason, message: end.message, at: now },
    phases: { ...job.phases, done: now },
  });
}

function resultMsOf({ kind, resultMs }: ApiSide): number {
  return resultMs ?? (kind === "sync" ? SYNC_RESULT_MS : ASYNC_RESULT_MS);
}

/**
 * `/status?ttl=`: its result is kept no longer than for so long, from now or from its end. The same object when it goes
 * sooner by itself.
 */
export function keptFor(job: Job, ttlMs: number, now: EpochMs): Job {
  const { api } = job;
  if (api === undefined) return job;
  const side: ApiSide = { ...api, resultMs: Math.min(resultMsOf(api), ttlMs) };
  if (api.expiresAt === undefined) return side.resultMs === resultMsOf(api) ? job : next(job, side);
  return api.expiresAt <= now + ttlMs ? job : next(job, { ...side, expiresAt: now + ttlMs });
}

function withoutPat(runner: RunnerRequest): RunnerRequest {
  return runner.sealedPat === undefined ? runner : { ...runner, sealedPat: undefined, patErased: true };
}

/** `/retry`: the same request once more, as a new generation at the end of its lane. Only FAILED and TIMED_OUT. */
export function retried(job: Job, now: EpochMs): Job {
  if (job.api === undefined || (job.state !== "FAILED" && job.state !== "TIMED_OUT")) return job;
  const { api } = job;
  const side: ApiSide = {
    ...api,
    generation: api.generation + 1,
    output: undefined,
    error: undefined,
    callback: api.callback && { ...api.callback, tries: 0, dueAt: undefined },
    startedAt: undefined,
    endedAt: undefined,
    expiresAt: undefined,
    stream: { written: 0, drained: 0 },
    retries: api.retries + 1,
  };
  return next(job, side, {
    state: "IN_QUEUE",
    queuedAt: now,
    workerId: undefined,
    formerWorkerId: undefined,
    failedStarts: 0,
    admitAt: now + ADMIT_MS,
    phases: { queued: now },
    end: undefined,
  });
}

/** `/stream` has handed out the chunks up to this number. Also after the end: what was written stays to be read. */
export function drainedTo(job: Job, number: number): Job {
  if (job.api === undefined || number <= job.api.stream.drained) return job;
  return next(job, { ...job.api, stream: { ...job.api.stream, drained: number } });
}

/** From the take to the end, and from submission (see `ApiPolicy`), ms. The endpoint's own limit is never exceeded. */
export function apiLimits(job: Job, endpoint: Endpoint): { executionTimeoutMs: number; ttlMs: number } {
  const { executionMs } = endpoint.limits;
  const { executionTimeoutMs = executionMs, ttlMs = Number.POSITIVE_INFINITY } = job.api?.policy ?? {};
  return { executionTimeoutMs: Math.min(executionTimeoutMs, executionMs), ttlMs };
}

function next(job: Job, api: ApiSide, change: Partial<Job> = {}): Job {
  return { ...job, ...change, api };
}
