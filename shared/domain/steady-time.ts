// A process's own time: it goes on evenly whatever happens to the machine's clock, and follows that one slowly.
//
// A wall clock that is set (NTP after a start without network, an operator, a resumed machine) would end what is seconds
// old, or hold back what is due, at a stroke. Which of the two times was wrong nobody can tell from here.
import type { EpochMs } from "./ids.ts";

/** `at`: our time when the machine's clock showed `wall`, and `monotonicMs` had passed since some moment. */
export type SteadyTime = { readonly at: EpochMs; readonly wall: EpochMs; readonly monotonicMs: number };

/** A limit of an hour may come 6 minutes early or late while a clock that was set is followed; an hour takes ten hours. */
const FOLLOWS = 0.1;

export function steadied(before: SteadyTime, wall: EpochMs, monotonicMs: number): SteadyTime {
  const passedMs = Math.max(0, monotonicMs - before.monotonicMs);
  const offMs = wall - (before.at + passedMs);
  const mostMs = passedMs * FOLLOWS;
  const followedMs = Math.max(-mostMs, Math.min(mostMs, offMs));
  return { at: before.at + passedMs + followedMs, wall, monotonicMs };
}
