// The clock of a function: its host's, corrected by the times that come with what it hears.
//
// Items that several functions write say one thing before another only while their hosts agree. The store answers with its
// time in each head, and API Gateway says when a call came in: whoever differs from them by more than a little follows
// them.
import { CLOCK_SKEW_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";

export type HeardClock = Clock & {
  /** `ageMs`: it may be so old. */
  hear(at: EpochMs | undefined, ageMs?: number): void;
  /** The `date` of an HTTP answer, which has just come in; its second may be nearly over. */
  hearDate(date: string | null | undefined): void;
};

const HALF_A_SECOND = 500;

export function createHeardClock(wall: () => EpochMs = Date.now): HeardClock {
  let offMs = 0;
  return { now, hear, hearDate: (date) => hear(Date.parse(date ?? "") + HALF_A_SECOND) };

  function now(): EpochMs {
    return wall() + offMs;
  }

  function hear(at: EpochMs | undefined, ageMs = 0): void {
    if (at === undefined || Number.isNaN(at)) return;
    const differsMs = at - now();
    if (differsMs > CLOCK_SKEW_MS || differsMs < -ageMs - CLOCK_SKEW_MS) offMs = at - wall();
  }
}
