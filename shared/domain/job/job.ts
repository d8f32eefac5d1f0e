// A job is one demand for one worker. States are RunPod's; the last four absorb.

import { EXECUTION_MS, STARTED_CHECK_MS, WAITING_CHECK_MS } from "../deadlines.ts";
import type { WorkflowJobWord } from "../github-event.ts";
import type { EndpointName, EpochMs, JobId, PoolName, TenantId, WorkerId } from "../ids.ts";
import type { ApiSide } from "./api-job.ts";
import { apiDeadlines, linksDueAt } from "./api-job.ts";
import type { EndReason } from "./end-reason.ts";
import { forgetAt } from "./kept-payloads.ts";

export type JobState = "IN_QUEUE" | "IN_PROGRESS" | "COMPLETED" | "FAILED" | "CANCELLED" | "TIMED_OUT";

/** For people and for `whyWaiting`, in the order a job goes through them. */
const PHASES = [
  "held",
  "queued",
  "starting",
  "booting",
  "preflight",
  "registering",
  "listening",
  "running",
  "done",
] as const;
export type Phase = (typeof PHASES)[number];

/** Waiting for something other than a card. A held job is in no lane. */
export type HoldReason =
  /** GitHub waits for an approval or a deployment environment. */
  | "environment-gate"
  /** Its last starts failed; tried slowly. */
  | "start-failed"
  /** A start failed; tried again soon. */
  | "start-backoff"
  /** GitHub refused to register its runner; tried slowly. */
  | "registration-refused"
  /** Its runner listened, and GitHub gave it no job. */
  | "not-assigned"
  /** The same happened to another job of its probe group, and one of them has a worker to find out. */
  | "awaits-probe"
  /** dispatch.yaml no longer has its endpoint; looked for slowly. */
  | "endpoint-removed"
  /** Its `queued` is minutes old: GitHub is asked first, or a delivery of long ago would hold cards for nobody. */
  | "late-delivery"
  /** GitHub answers 404 for it; asked again ever more seldom, and given up after a day. */
  | "unknown-to-github";

export type Hold = {
  readonly reason: HoldReason;
  /** A sentence for the user: what happened and what to do. */
  readonly message: string;
  /** When it is tried again by itself; undefined: only an event ends it. */
  readonly until: EpochMs | undefined;
};

type JobEnd = { readonly reason: EndReason; readonly message: string; readonly at: EpochMs };

/** GitHub's side of a job of origin `github`. */
export type GithubSide = Omit<WorkflowJobWord, "status" | "createdAt" | "startedAt"> & {
  /** Highest status GitHub has told us so far. */
  readonly status: WorkflowJobWord["status"];
  readonly startedAt: EpochMs | undefined;
};

/** Why a workflow job failed that was not let run to its end, in a sentence without its full stop. */
export type Broken = { readonly reason: EndReason; readonly message: string };

export type Job = {
  readonly id: JobId;
  readonly version: number;
  readonly origin: "github" | "api";
  readonly state: JobState;
  readonly endpoint: EndpointName;
  readonly pool: PoolName;
  readonly cards: number;
  readonly tenant: TenantId;
  /** 0 to 1,000, higher first; within its lane only. */
  readonly priority: number;
  readonly createdAt: EpochMs;
  /** Keeps its place in the lane over failed starts and rebinds. */
  readonly queuedAt: EpochMs;
  readonly hold: Hold | undefined;
  /** The truth about who serves this job; a worker's own pointer is repaired from it. */
  readonly workerId: WorkerId | undefined;
  /** The worker that lost this job in a rebind that is still under way. */
  readonly formerWorkerId: WorkerId | undefined;
  /** Workers started for it so far, the present one included. */
  readonly starts: number;
  /** Starts in a row that failed before the runner listened. */
  readonly failedStarts: number;
  /** Nodes where its workers failed their preflight, the last ones; until a runner has listened. Absent: none. */
  readonly failedOn?: readonly string[] | undefined;
  /** What is known of an end of its worker in the middle of it, that GitHub only calls a failure. Absent: nothing. */
  readonly broken?: Broken | undefined;
  /** Workers in a row that listened for it in vain, or that it was not given for that reason. Absent: none. */
  readonly idleEnds?: number;
  /** Since when GitHub does not know it, or may not tell us. Absent in records of before. */
  readonly unknownSince?: EpochMs | undefined;
  /** When to ask GitHub about it, if no event has come by then. */
  readonly verifyAt: EpochMs | undefined;
  /** When the reconciler makes its lane known, should the write itself have set nothing in motion. */
  readonly admitAt: EpochMs | undefined;
  readonly phases: { readonly [phase in Phase]?: EpochMs };
  readonly end: JobEnd | undefined;
  readonly github: GithubSide | undefined;
  readonly api: ApiSide | undefined;
};

const TERMINAL: ReadonlySet<JobState> = new Set(["COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]);

export function isTerminal(job: Job): boolean {
  return TERMINAL.has(job.state);
}

/** In a lane: waiting for a card and for nothing else. */
export function isWaiting(job: Job): boolean {
  return job.state === "IN_QUEUE" && job.workerId === undefined && job.hold === undefined;
}

/** When the reconciler must look at this job; undefined while a worker, its lane or an event will. */
export function jobDueAt(job: Job): EpochMs | undefined {
  if (isTerminal(job)) return earliest([job.api?.callback?.dueAt, forgetAt(job)]);
  const admitAt = isWaiting(job) ? job.admitAt : undefined;
  const verifyAt = linksDueAt(job) ?? checkDueAt(job);
  const { ttlAt, executionAt } = job.api === undefined ? NO_DEADLINES : apiDeadlines(job.api, job);
  return earliest([job.hold?.until, verifyAt, admitAt, ttlAt, executionAt]);
}

function earliest(times: readonly (EpochMs | undefined)[]): EpochMs | undefined {
  const known = times.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * When an open job is looked at though nothing was heard of it. A workflow job always has such a time, or the end of its
 * hold: every event may be lost, and with it the record of its worker.
 */
export function checkDueAt(job: Job): EpochMs | undefined {
  const { verifyAt, hold } = job;
  if (verifyAt !== undefined || job.github === undefined || hold?.until !== undefined) return verifyAt;
  return silentSince(job) + silenceMs(job);
}

/** `verifyAt` of a job that was looked at and is as it should be: undefined where its time is still to come. */
export function nextLookAt(job: Job, now: EpochMs): EpochMs | undefined {
  return silentSince(job) + silenceMs(job) > now ? undefined : now + silenceMs(job);
}

/** How long nothing need be heard of it in its present state. */
function silenceMs({ state, workerId }: Job): number {
  if (state === "IN_PROGRESS") return EXECUTION_MS;
  return workerId === undefined ? WAITING_CHECK_MS : STARTED_CHECK_MS;
}

function silentSince({ state, workerId, phases, queuedAt }: Job): EpochMs {
  const waits = phases.queued ?? queuedAt;
  if (state === "IN_PROGRESS") return phases.running ?? waits;
  return workerId === undefined ? waits : (phases.starting ?? waits);
}

const NO_DEADLINES = { ttlAt: undefined, executionAt: undefined };
