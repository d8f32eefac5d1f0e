// What GitHub lets us do: calls by what they are for, and things that it counts over a span of time without a header.

import type { EpochMs } from "../ids.ts";
import { isAhead } from "../time-gate.ts";
import type { RegistrationCount } from "./marks.ts";

/** What a call is for. When calls run short, clean-up stops first and starts stop last. */
export type CallClass = "start" | "check" | "clean-up";

/** Of an installation, as GitHub's headers tell it: what every process of ours has spent is in it. */
export type RateBudget = { readonly limit: number; readonly remaining: number; readonly resetAt: EpochMs };

/**
 * The part of the limit that a class leaves to those before it. At GitHub's smallest limit, 5,000 calls an hour:
 * - clean-up leaves 1,500. GitHub removes an ephemeral runner that nobody uses by itself, after a day.
 * - check leaves 500: as many runners can still start, one call each. What is not checked now is checked after the reset.
 * - start leaves 50: other processes may have that many calls under way, which no header has told yet. A client that goes
 *   on calling with nothing left may be banned (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
 */
const LEFT_TO_OTHERS: { readonly [callClass in CallClass]: number } = {
  start: 0.01,
  check: 0.1,
  "clean-up": 0.3,
};

/** GitHub counts by the hour; a count that ends later was made by a clock that ran ahead. */
const RESET_MS = 3_600_000;

/** Until when a call of this class has to wait; undefined when it may be made now, or when nothing is known. */
export function heldUntil(
  callClass: CallClass,
  rate: RateBudget | undefined,
  now: EpochMs,
): EpochMs | undefined {
  if (rate === undefined || !isAhead(rate.resetAt, RESET_MS, now)) return undefined;
  return rate.remaining > rate.limit * LEFT_TO_OTHERS[callClass] ? undefined : rate.resetAt;
}

/** GitHub moves the reset of one hour by a second now and then; the next hour's is far later. */
const SAME_HOUR_MS = 60_000;

/** What is known after one more answer: they overtake each other, and within an hour calls only get fewer. */
export function latestRate(known: RateBudget | undefined, told: RateBudget): RateBudget {
  if (known === undefined || told.resetAt - known.resetAt >= SAME_HOUR_MS) return told;
  if (known.resetAt - told.resetAt >= SAME_HOUR_MS) return known;
  return told.remaining <= known.remaining ? told : known;
}

/** At most `limit` in any span of `spanMs`, counted in buckets of `bucketMs`. */
type Quota = { readonly limit: number; readonly spanMs: number; readonly bucketMs: number };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A grant is good for a registration that is asked for this long after it; a later one needs another grant. */
export const GRANT_MS = MINUTE;
/** From our answer to the registration itself: what config.sh takes. */
const CONFIGURE_MS = 30 * SECOND;

/**
 * Runner registrations of one owner: GitHub allows 1,500 in 5 minutes
 * (https://docs.github.com/actions/reference/limits). Counted when a worker is started, so for longer by what may lie
 * between that and its registration.
 */
export const REGISTRATIONS: Quota = {
  limit: 1_500,
  spanMs: 5 * MINUTE + GRANT_MS + CONFIGURE_MS,
  bucketMs: 20 * SECOND,
};

/**
 * Points of one installation at one address of the API: GitHub allows 900 a minute, a GET is 1 and a write 5. That is 180
 * just-in-time runners a minute.
 */
export const POINTS: Quota = { limit: 900, spanMs: MINUTE, bucketMs: 5 * SECOND };

export function pointsOf(method: string): number {
  return method === "GET" ? 1 : 5;
}

/** How many may be granted now. */
export function grantable(count: RegistrationCount, now: EpochMs, quota: Quota = REGISTRATIONS): number {
  const used = entriesOf(count, now, quota).reduce((sum, [, n]) => sum + n, 0);
  return Math.max(0, quota.limit - used);
}

/** From when on `n` may be granted: now, or when enough of what is counted has passed. `n` is within the quota's limit. */
export function grantableAt(
  count: RegistrationCount,
  n: number,
  now: EpochMs,
  quota: Quota = REGISTRATIONS,
): EpochMs {
  const ends = entriesOf(count, now, quota).map(([startedAt]) => endOf(startedAt, quota));
  return Math.min(...[now, ...ends].filter((at) => grantable(count, at, quota) >= n));
}

/** With `n` more. */
export function granted(
  count: RegistrationCount,
  n: number,
  now: EpochMs,
  quota: Quota = REGISTRATIONS,
): RegistrationCount {
  return changed(count, { at: now, n }, now, quota);
}

/** With `n` less of what was granted at `at`: nothing came of them. */
export function givenBack(
  count: RegistrationCount,
  n: number,
  at: EpochMs,
  now: EpochMs,
  quota: Quota = REGISTRATIONS,
): RegistrationCount {
  return changed(count, { at, n: -n }, now, quota);
}

/** With nothing left until `until`: GitHub refused, because of others or of a limit that we do not see. */
export function refusedUntil(
  count: RegistrationCount,
  until: EpochMs,
  now: EpochMs,
  quota: Quota = REGISTRATIONS,
): RegistrationCount {
  const startedAt = until - quota.spanMs - quota.bucketMs;
  const kept = Object.fromEntries(entriesOf(count, now, quota));
  return { buckets: { ...kept, [startedAt]: quota.limit } };
}

/** After this the count says nothing any more. */
export function countEndsAt(count: RegistrationCount, now: EpochMs, quota: Quota = REGISTRATIONS): EpochMs {
  return Math.max(now, ...entriesOf(count, now, quota).map(([startedAt]) => endOf(startedAt, quota)));
}

function changed(
  count: RegistrationCount,
  change: { readonly at: EpochMs; readonly n: number },
  now: EpochMs,
  quota: Quota,
): RegistrationCount {
  const buckets = Object.fromEntries(entriesOf(count, now, quota));
  const startedAt = change.at - (change.at % quota.bucketMs);
  const n = Math.max(0, (buckets[startedAt] ?? 0) + change.n);
  return { buckets: n === 0 ? without(buckets, startedAt) : { ...buckets, [startedAt]: n } };
}

function without(buckets: RegistrationCount["buckets"], startedAt: EpochMs): RegistrationCount["buckets"] {
  const { [startedAt]: _empty, ...rest } = buckets;
  return rest;
}

/** The buckets that still count. */
function entriesOf({ buckets }: RegistrationCount, now: EpochMs, quota: Quota): [EpochMs, number][] {
  return Object.entries(buckets)
    .map(([startedAt, n]): [EpochMs, number] => [Number(startedAt), n])
    .filter(([startedAt]) => isAhead(endOf(startedAt, quota), RESET_MS, now));
}

/** What was granted at the very end of a bucket still counts for a whole span. */
function endOf(startedAt: EpochMs, quota: Quota): EpochMs {
  return startedAt + quota.bucketMs + quota.spanMs;
}
