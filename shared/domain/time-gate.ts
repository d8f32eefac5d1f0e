// What a stored time holds back, and for how long: a clock that was set must not make it last.
//
// Every such time was written as "now" plus a length. One that lies further ahead than its whole length was written by a
// clock that ran ahead, or the clock has been set back since: nobody knows when it would come, so it is over.
import type { EpochMs } from "./ids.ts";

/** The clocks of two processes differ by less: what another has just written is not yet taken for wrong. */
export const CLOCKS_DIFFER_MS = 10_000;

/** Whether it is still to be waited for. `lengthMs`: the most that `until` can lie ahead. */
export function isAhead(until: EpochMs | undefined, lengthMs: number, now: EpochMs): boolean {
  return until !== undefined && until > now && until - now <= lengthMs + CLOCKS_DIFFER_MS;
}

/** Whether so long ago or longer; also where it lies in the future, since nothing has happened there yet. */
export function isOver(since: EpochMs, lengthMs: number, now: EpochMs): boolean {
  return now - since >= lengthMs || isOfFuture(since, now);
}

/** A time at which something happened that is still to come. */
export function isOfFuture(at: EpochMs, now: EpochMs): boolean {
  return at - now > CLOCKS_DIFFER_MS;
}
