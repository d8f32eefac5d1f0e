// When an API job ends by itself: its ttl from submission on, its execution time from the take on.

import type { EpochMs } from "../ids.ts";
import type { ApiSide } from "./api-job.ts";

export type ApiDeadlines = {
  /** undefined for a runner's job that was picked up: from then on only its execution time counts. */
  readonly ttlAt: EpochMs | undefined;
  /** undefined before the take. */
  readonly executionAt: EpochMs | undefined;
};

/** The part of a job that its deadlines follow from; `phases.running` is the pickup of a workflow job. */
type Timed = {
  readonly state: string;
  readonly queuedAt: EpochMs;
  readonly phases: { readonly running?: EpochMs };
};

export function apiDeadlines(api: ApiSide, job: Timed): ApiDeadlines {
  const pickedUp = api.runner !== undefined && job.phases.running !== undefined;
  const inProgress = job.state === "IN_PROGRESS";
  return {
    ttlAt: pickedUp ? undefined : job.queuedAt + api.policy.ttlMs,
    executionAt:
      inProgress && api.startedAt !== undefined ? api.startedAt + api.policy.executionTimeoutMs : undefined,
  };
}
