// Cards that fail their workers' preflight are taken out of use for a while: one bad card must not eat every job.

import { QUARANTINE_MAX_MS, QUARANTINE_MS, STRIKE_MEMORY_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import { isAhead, isOver } from "../time-gate.ts";
import type { CardTrouble, Pool } from "./pool.ts";

/** A single failure may be the driver's, or a container's before it; of two in a row the card is the likelier cause. */
const QUARANTINE_STRIKES = 2;

/** A worker failed its preflight on these cards: which of them was bad is not known. */
export function struck(pool: Pool, cards: readonly string[], reason: string, now: EpochMs): Pool {
  const trouble = { ...pool.trouble };
  for (const card of cards) {
    if (trouble[card]?.byHand !== true) trouble[card] = strike(trouble[card], reason, now);
  }
  return { ...pool, trouble };
}

function strike(before: CardTrouble | undefined, reason: string, now: EpochMs): CardTrouble {
  const fresh = before === undefined || isOver(before.lastAt, STRIKE_MEMORY_MS, now);
  const strikes = (fresh ? 0 : before.strikes) + 1;
  const until = strikes < QUARANTINE_STRIKES ? undefined : now + quarantineMs(strikes);
  return { strikes, lastAt: now, reason, until };
}

/** An hour, and twice as long after each further failure. */
function quarantineMs(strikes: number): number {
  return Math.min(QUARANTINE_MAX_MS, QUARANTINE_MS * 2 ** (strikes - QUARANTINE_STRIKES));
}

/** A job ran on these cards: whatever was wrong is so no more. */
export function cleared(pool: Pool, cards: readonly string[]): Pool {
  const over = cards.filter((card) => pool.trouble?.[card] !== undefined && !pool.trouble[card].byHand);
  return over.length === 0 ? pool : without(pool, over);
}

/** Until an operator lifts it; a worker that holds the card goes on. */
export function quarantinedByHand(pool: Pool, card: string, reason: string, now: EpochMs): Pool {
  const strikes = pool.trouble?.[card]?.strikes ?? 0;
  const one: CardTrouble = { strikes, lastAt: now, reason, until: LIFTED_BY_HAND, byHand: true };
  return { ...pool, trouble: { ...pool.trouble, [card]: one } };
}

/** Whoever put it there: the card's failures are forgotten. The same pool where it had none. */
export function liftedByHand(pool: Pool, card: string): Pool {
  return pool.trouble?.[card] === undefined ? pool : without(pool, [card]);
}

/** The last time that a date can hold: infinity is no JSON. */
const LIFTED_BY_HAND: EpochMs = 8_640_000_000_000_000;

function without(pool: Pool, cards: readonly string[]): Pool {
  const trouble = { ...pool.trouble };
  for (const card of cards) delete trouble[card];
  return { ...pool, trouble };
}

/**
 * Quarantines that are over end: the card is tried again, and one failure puts it back. A failure of long ago is
 * forgotten, else a pool whose nodes come and go would keep the cards of all that ever were. The same pool when neither
 * is so.
 */
export function lifted(pool: Pool, now: EpochMs): Pool {
  const before = Object.entries(pool.trouble ?? {});
  const isServed = (one: CardTrouble) => one.until !== undefined && !isInQuarantine(one, now);
  const kept = before.filter(([, one]) => !isForgotten(one, now));
  if (kept.length === before.length && !kept.some(([, one]) => isServed(one))) return pool;
  const trouble = kept.map(
    ([card, one]) => [card, isServed(one) ? { ...one, until: undefined } : one] as const,
  );
  return { ...pool, trouble: Object.fromEntries(trouble) };
}

function isForgotten(one: CardTrouble, now: EpochMs): boolean {
  return !isInQuarantine(one, now) && isOver(one.lastAt, STRIKE_MEMORY_MS, now);
}

/** One by hand has no length. */
function isInQuarantine({ until, byHand }: CardTrouble, now: EpochMs): boolean {
  return byHand === true || isAhead(until, QUARANTINE_MAX_MS, now);
}
