// The job as RunPod's /status shows it, key by key; what RunPod does not have (`label`, `phase`, `whyWaiting`, `endReason`,
// `endClass`) only adds. A workflow job of GitHub's is shown the same way.

import type { EndpointName, EpochMs } from "../ids.ts";
import type { ApiCaller, ApiSide } from "../job/api-job.ts";
import type { EndClass, EndReason } from "../job/end-reason.ts";
import { endClass } from "../job/end-reason.ts";
import type { Job, JobState, Phase } from "../job/job.ts";
import type { WhyWaiting } from "./wait-view.ts";
import { whyHeld } from "./why-waiting.ts";

/** All times in ms. `error` is always a text: RunPod's Go client reads nothing else. */
export type JobStatus = {
  readonly id: string;
  readonly status: JobState;
  /** From submission to the take; of a workflow job to its start. */
  readonly delayTime?: number;
  /** From there to the end. */
  readonly executionTime?: number;
  readonly workerId?: string;
  /** The result; while in progress the last progress. Left out when the handler returned `{}`. */
  readonly output?: unknown;
  readonly error?: string;
  /** The label that only this job's runner has. */
  readonly label?: string;
  /** While it has not ended. */
  readonly phase?: Phase;
  /** While it does not run, and while its worker has ended and its own end is being found out. */
  readonly whyWaiting?: WhyWaiting;
  readonly endReason?: EndReason;
  readonly endClass?: EndClass;
};

/**
 * `output`: the parsed JSON that `job.api.output` names, undefined when there is none. Without `explained` only a held job
 * says why it waits.
 */
export function statusObject(
  job: Job,
  output: unknown,
  explained?: { readonly phase: Phase; readonly whyWaiting: WhyWaiting | undefined },
): JobStatus {
  const { api } = job;
  const base = { id: job.id, status: job.state };
  const label = api?.runner === undefined ? {} : { label: api.runner.label };
  switch (job.state) {
    case "IN_QUEUE":
      return { ...base, ...label, ...waitOf(job, explained) };
    case "IN_PROGRESS":
      return {
        ...base,
        ...delayOf(job),
        ...workerOf(job),
        ...outputOf(output),
        ...label,
        ...waitOf(job, explained),
      };
    case "COMPLETED":
      return { ...base, ...timesOf(job), ...workerOf(job), ...outputOf(output), ...label, ...endOf(job) };
    case "FAILED":
      return {
        ...base,
        ...timesOf(job),
        ...workerOf(job),
        ...outputOf(output),
        error: errorOf(job),
        ...label,
        ...endOf(job),
      };
    case "CANCELLED":
      return { ...base, ...(startOf(job) === undefined ? {} : timesOf(job)), ...label, ...endOf(job) };
    case "TIMED_OUT":
      return {
        ...base,
        ...(startOf(job) === undefined ? {} : timesOf(job)),
        error: errorOf(job),
        ...label,
        ...endOf(job),
      };
  }
}

type View = { readonly caller: ApiCaller; readonly endpoint: string; readonly now: EpochMs };

/** Seen by its tenant only, an OIDC caller sees its repository's only; nobody sees it once its time is over. */
export function isVisible(job: Job, { caller, endpoint, now }: View): boolean {
  return job.api !== undefined && isOwn(job, caller, endpoint) && !isForgotten(job.api, now);
}

/** To look at, jobs of GitHub are there too: nobody ends them through the API. */
export function maySee(job: Job, view: View): boolean {
  return job.github === undefined ? isVisible(job, view) : isOwn(job, view.caller, view.endpoint);
}

function isOwn(job: Job, { tenant, repositoryId }: ApiCaller, endpoint: string): boolean {
  const itsRepository = job.github === undefined ? job.api?.repositoryId : job.github.repository.id;
  return (
    job.endpoint === (endpoint as EndpointName) &&
    job.tenant === tenant &&
    (repositoryId === undefined || repositoryId === itsRepository)
  );
}

function isForgotten(api: ApiSide, now: EpochMs): boolean {
  return api.expiresAt !== undefined && api.expiresAt <= now;
}

function waitOf(
  job: Job,
  explained: { readonly phase: Phase; readonly whyWaiting: WhyWaiting | undefined } | undefined,
): Pick<JobStatus, "phase" | "whyWaiting"> {
  const whyWaiting = explained === undefined ? whyHeld(job) : explained.whyWaiting;
  return {
    ...(explained === undefined ? {} : { phase: explained.phase }),
    ...(whyWaiting === undefined ? {} : { whyWaiting }),
  };
}

function endOf({ end }: Job): Pick<JobStatus, "endReason" | "endClass"> {
  return end === undefined ? {} : { endReason: end.reason, endClass: endClass(end.reason) };
}

function startOf({ api, phases }: Job): EpochMs | undefined {
  return api === undefined ? phases.running : api.startedAt;
}

function delayOf(job: Job): { delayTime?: number } {
  const startedAt = startOf(job);
  if (startedAt === undefined) return {};
  return { delayTime: Math.max(0, startedAt - job.queuedAt) };
}

/** A job that ended before any worker took it has waited until its end and was executed for no time. */
function timesOf(job: Job): { delayTime: number; executionTime: number } {
  const endedAt = (job.api === undefined ? job.end?.at : job.api.endedAt) ?? job.queuedAt;
  const startedAt = startOf(job) ?? endedAt;
  return {
    delayTime: Math.max(0, startedAt - job.queuedAt),
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
