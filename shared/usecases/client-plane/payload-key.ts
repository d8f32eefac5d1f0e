// Under which key a job's JSON is stored, and for how long.

import { ASYNC_RESULT_MS } from "../../domain/deadlines.ts";
import type { EpochMs, JobId } from "../../domain/ids.ts";
import type { ApiPolicy } from "../../domain/job/api-job.ts";

/** Parts go an hour after their last reader at the latest could have come. */
const SLACK_MS = 3_600_000;

/** By its hash too: of two requests under one idempotency key the one that is refused must not replace the other's input. */
export function inputKey(id: JobId, generation: number, requestHash: string): string {
  return `job#${id}#${generation}#in-${requestHash.slice(0, 16)}`;
}

/** Until a job that began at `now` cannot be retried any more. */
export function inputExpiry({ ttlMs, executionTimeoutMs }: ApiPolicy, now: EpochMs): EpochMs {
  return now + ttlMs + executionTimeoutMs + ASYNC_RESULT_MS + SLACK_MS;
}
