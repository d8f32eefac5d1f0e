// What was said, and what has happened since: a call may be acted on late, and is about things as they were when it came
// in.
import { CLOCK_SKEW_MS } from "./deadlines.ts";
import type { EpochMs } from "./ids.ts";

/** `saidAt`: when the call reached us. */
export type Said = { readonly now: EpochMs; readonly saidAt: EpochMs };

/** A time that has not come yet is of a clock that was put back since, and orders nothing. */
export function isSaidSince(at: EpochMs, { saidAt, now }: Said): boolean {
  return saidAt >= at || at > now + 2 * CLOCK_SKEW_MS;
}

/** Whoever said it may have known of what happened then: clocks of two processes differ by less. */
export function mayKnowOf(at: EpochMs, said: Said): boolean {
  return isSaidSince(at - CLOCK_SKEW_MS, said);
}
