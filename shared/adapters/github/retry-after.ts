// How long GitHub asks to wait, from the headers of an answer.
import type { EpochMs } from "../../domain/ids.ts";
import type { Headers } from "./budget.ts";

/** The primary limit is per hour; a longer wait is a clock that is wrong. */
const MAX_WAIT_MS = 3_600_000;
/**
 * GitHub's advice for a secondary limit without a header:
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
const SECONDARY_WAIT_MS = 60_000;

/** Milliseconds from `retry-after` (seconds or a date) or from the reset of an empty budget; else undefined. */
export function retryAfterOf(headers: Headers, now: EpochMs): number | undefined {
  // GitHub's own clock where it is given: ours may be wrong by more than the wait.
  const at = timeOf(headers.date) ?? now;
  const wait = fromRetryAfter(headers["retry-after"], at) ?? fromReset(headers, at);
  return wait === undefined ? undefined : Math.min(MAX_WAIT_MS, Math.max(1_000, wait));
}

/** For an answer that is known to be a limit. */
export function limitWait(headers: Headers, now: EpochMs): number {
  return retryAfterOf(headers, now) ?? SECONDARY_WAIT_MS;
}

function fromRetryAfter(value: string | number | undefined, at: EpochMs): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds * 1_000;
  const until = timeOf(value);
  return until === undefined ? undefined : until - at;
}

function fromReset(headers: Headers, at: EpochMs): number | undefined {
  if (Number(headers["x-ratelimit-remaining"] ?? 1) > 0) return undefined;
  const reset = Number(headers["x-ratelimit-reset"]);
  return Number.isFinite(reset) ? reset * 1_000 - at : undefined;
}

export function timeOf(value: string | number | undefined): EpochMs | undefined {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
