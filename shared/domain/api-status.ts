// The job as RunPod's /status shows it, key by key; what RunPod does not have (`label`, `whyWaiting`) only adds.
import type { ApiCaller, ApiSide } from "./api-job.ts";
import type { EndpointName, EpochMs } from "./ids.ts";
import type { Job, JobState } from "./job.ts";

/** All times in ms. `error` is always a text: RunPod's Go client reads nothing else. */
export type JobStatus = {
  readonly id: string;
  readonly status: JobState;
  /** From submission to the take. */
  readonly delayTime?: number;
  /** From the take to the end. */
  readonly executionTime?: number;
  readonly workerId?: string;
  /** The result; while in progress the last progress. Left out when the handler returned `{}`. */
  readonly output?: unknown;
  readonly error?: string;
  /** The label that only this job's runner has. */
  readonly label?: string;
  /** Why it waits, when that is not a card. */
  readonly whyWaiting?: string;
};

/** `output`: the parsed JSON that `job.api.output` names, undefined when there is none. */
export function statusObject(job: Job, output: unknown): JobStatus {
  const { api } = job;
  const base = { id: job.id, status: job.state };
  const label = api?.runner === undefined ? {} : { label: api.runner.label };
  switch (job.state) {
    case "IN_QUEUE":
      return { ...base, ...label, ...(job.hold === undefined ? {} : { whyWaiting: job.hold.message }) };
    case "IN_PROGRESS":
      return { ...base, ...delayOf(job), ...workerOf(job), ...outputOf(output), ...label };
    case "COMPLETED":
      return { ...base, ...timesOf(job), ...workerOf(job), ...outputOf(output), ...label };
    case "FAILED":
      return {
        ...base,
        ...timesOf(job),
        ...workerOf(job),
        ...outputOf(output),
        error: errorOf(job),
        ...label,
      };
    case "CANCELLED":
      return { ...base, ...(api?.startedAt === undefined ? {} : timesOf(job)), ...label };
    case "TIMED_OUT":
      return {
        ...base,
        ...(api?.startedAt === undefined ? {} : timesOf(job)),
        error: errorOf(job),
        ...label,
      };
  }
}

/** Seen by its tenant only, an OIDC caller sees its repository's only; nobody sees it once its time is over. */
export function isVisible(job: Job, view: { caller: ApiCaller; endpoint: string; now: EpochMs }): boolean {
  const { caller, endpoint, now } = view;
  return (
    job.api !== undefined &&
    job.endpoint === (endpoint as EndpointName) &&
    job.tenant === caller.tenant &&
    (caller.repositoryId === undefined || caller.repositoryId === job.api.repositoryId) &&
    !isForgotten(job.api, now)
  );
}

function isForgotten(api: ApiSide, now: EpochMs): boolean {
  return api.expiresAt !== undefined && api.expiresAt <= now;
}

function delayOf({ api, queuedAt }: Job): { delayTime?: number } {
  if (api?.startedAt === undefined) return {};
  return { delayTime: Math.max(0, api.startedAt - queuedAt) };
}

/** A job that ended before any worker took it has waited until its end and was executed for no time. */
function timesOf({ api, queuedAt }: Job): { delayTime: number; executionTime: number } {
  const endedAt = api?.endedAt ?? queuedAt;
  const startedAt = api?.startedAt ?? endedAt;
  return {
    delayTime: Math.max(0, startedAt - queuedAt),
    executionTime: Math.max(0, endedAt - startedAt),
  };
}

function workerOf({ workerId }: Job): { workerId?: string } {
  return workerId === undefined ? {} : { workerId };
}

function outputOf(output: unknown): { output?: unknown } {
  return output === undefined || isEmptyObject(output) ? {} : { output };
}

function isEmptyObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).length === 0;
}

function errorOf(job: Job): string {
  return job.api?.error ?? job.end?.message ?? "it failed without a word";
}
