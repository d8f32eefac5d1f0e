// A process's own time: it goes on evenly whatever happens to the machine's clock, and follows that one slowly.
//
// A wall clock that is set (NTP after a start without network, an operator, a resumed machine) would end what is seconds
// old, or hold back what is due, at a stroke. Which of the two times was wrong nobody can tell from here.
import type { EpochMs } from "./ids.ts";

/** `at`: our time when the machine's clock showed `wall`, and `monotonicMs` had passed since some moment. */
export type SteadyTime = { readonly at: EpochMs; readonly wall: EpochMs; readonly monotonicMs: number };

/** A limit of an hour may come 6 minutes early or late while a clock that was set is followed; an hour takes ten hours. */
const FOLLOWS = 0.1;

/**
 * What a process leaves behind of its time: when it began its last pass, and how far it then was ahead of the machine's;
 * undefined where it has stopped in order.
 */
export type LeftTime = { readonly startedAt: EpochMs; readonly aheadMs?: number | undefined };

/** What is further off has been wrong for long, or is so now: a start is the time to put that right. */
const MOST_OFF_MS = 12 * 3_600_000;

/**
 * The time with which the process after a crash begins. A machine's clock that ran ahead before does so still, and what one
 * that was set back does not show has passed at least. Both err on the late side: no limit comes early.
 */
export function resumed(left: LeftTime | undefined, wall: EpochMs): EpochMs {
  if (left?.aheadMs === undefined) return wall;
  const at = Math.max(left.startedAt, wall + Math.min(0, left.aheadMs));
  return Math.abs(at - wall) > MOST_OFF_MS ? wall : at;
}

export function steadied(before: SteadyTime, wall: EpochMs, monotonicMs: number): SteadyTime {
  const passedMs = Math.max(0, monotonicMs - before.monotonicMs);
  const offMs = wall - (before.at + passedMs);
  const mostMs = passedMs * FOLLOWS;
  const followedMs = Math.max(-mostMs, Math.min(mostMs, offMs));
  return { at: before.at + passedMs + followedMs, wall, monotonicMs };
}
