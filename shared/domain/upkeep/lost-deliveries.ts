// Which events never reached us, by GitHub's log of tries, and for which of them to ask again now.

import type { EpochMs } from "../ids.ts";
import { isOfFuture } from "../time-gate.ts";
import type { DeliveryMark } from "./marks.ts";

/** One try to deliver an event; `ok`: it was answered. Every try of an event has the same guid. */
export type DeliveryTry = {
  readonly id: string;
  readonly guid: string;
  readonly deliveredAt: EpochMs;
  readonly ok: boolean;
  readonly event: string;
};

export type Asked = DeliveryMark["asked"];

/** A stretch of the log, newest first; `next`: GitHub's page where it was cut, undefined when it is whole. */
export type LogStretch = { readonly tries: readonly DeliveryTry[]; readonly next: string | undefined };

export type DeliveryState = DeliveryMark & { readonly gap: LogGap | undefined };

/**
 * A part of the log too long for one pass: from GitHub's page `cursor` down to `since`. What is newer than `above` is
 * read each time.
 */
type LogGap = { readonly cursor: string; readonly above: EpochMs };

export type LostDeliveries = {
  /** Newest first, one for each event: the newest try, by whose id GitHub delivers it again. */
  readonly ask: readonly DeliveryTry[];
  readonly giveUp: readonly DeliveryTry[];
  /** Events that may still arrive, also those in `ask`: nothing is asked for again while a redelivery is under way. */
  readonly open: readonly DeliveryTry[];
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Pauses after each time that an event was asked for; then it is given up. A redelivery takes minutes to arrive. Five of
 * them pass over a deployment or a restart; the hours make sure that an event from the beginning of an outage of four hours
 * is asked for once more after it. Until then each look reads GitHub's log that far back.
 */
export const ASK_PAUSES_MS = [5 * MINUTE, HOUR, 3 * HOUR, 5 * MINUTE] as const;
export const MAX_ASKS = ASK_PAUSES_MS.length;
/** GitHub keeps its log for 3 days, an Enterprise Server for 7. What it is about to forget is not asked for. */
export const DELIVERIES_KEPT_MS = 72 * HOUR - 10 * MINUTE;
/** What happened before the dispatcher was first started is nobody's loss, but for the hour in which it was set up. */
export const FIRST_LOOK_MS = HOUR;
/**
 * A try shows up in the log late: it is there once it was answered or timed out (10 s, 30 s on a server) or not
 * throttled.
 */
const LOG_LATE_MS = 5 * MINUTE;

/** An event that was given up is remembered with this number, so that it is reported once. */
const GIVEN_UP = MAX_ASKS + 1;

export function findLost(tries: readonly DeliveryTry[], asked: Asked, now: EpochMs): LostDeliveries {
  const times = ({ guid }: DeliveryTry) => asked[guid]?.times ?? 0;
  const lost = unanswered(tries).filter(
    (one) => one.deliveredAt > now - DELIVERIES_KEPT_MS && times(one) < GIVEN_UP,
  );
  const isSpent = (one: DeliveryTry) => times(one) >= MAX_ASKS && askableAt(asked, one, now) <= now;
  const open = lost.filter((one) => !isSpent(one));
  return { open, ask: open.filter((one) => askableAt(asked, one, now) <= now), giveUp: lost.filter(isSpent) };
}

/** When an event may be asked for again, or given up; 0 when it was not asked for yet. */
export function askableAt(asked: Asked, { guid }: DeliveryTry, now: EpochMs): EpochMs {
  const before = asked[guid];
  // Asked for at a time that is still to come: by a clock that ran ahead.
  if (before === undefined || isOfFuture(before.at, now)) return 0;
  return before.at + (ASK_PAUSES_MS[before.times - 1] ?? 0);
}

/** The newest try of each event of ours that has no answered one, newest first. */
function unanswered(tries: readonly DeliveryTry[]): DeliveryTry[] {
  const newest = new Map<string, DeliveryTry>();
  const answered = new Set<string>();
  for (const one of tries) {
    if (!concernsUs(one)) continue;
    if (one.ok) answered.add(one.guid);
    if (one.deliveredAt > (newest.get(one.guid)?.deliveredAt ?? Number.NEGATIVE_INFINITY))
      newest.set(one.guid, one);
  }
  return [...newest.values()]
    .filter(({ guid }) => !answered.has(guid))
    .sort((a, b) => b.deliveredAt - a.deliveredAt);
}

/** Other events reach us when somebody ticks more boxes in the App's settings; we answer them and do nothing. */
function concernsUs({ event }: DeliveryTry): boolean {
  return event === "workflow_job" || event.startsWith("installation");
}

export function withAsked(asked: Asked, guid: string, now: EpochMs): Asked {
  return { ...asked, [guid]: { times: (asked[guid]?.times ?? 0) + 1, at: now } };
}

export function withGivenUp(asked: Asked, guid: string, now: EpochMs): Asked {
  return { ...asked, [guid]: { times: GIVEN_UP, at: now } };
}

/** What is still to be remembered: events that the log showed, and no answered try of them. */
export function stillAsked(asked: Asked, tries: readonly DeliveryTry[]): Asked {
  const shown = new Set(unanswered(tries).map(({ guid }) => guid));
  return Object.fromEntries(Object.entries(asked).filter(([guid]) => shown.has(guid)));
}

/** Where the next pass begins. `older` is the stretch at the gap's cursor, when there is a gap. */
export function advance(
  state: DeliveryState,
  { newest, older }: { readonly newest: LogStretch; readonly older: LogStretch | undefined },
  open: readonly DeliveryTry[],
  now: EpochMs,
): Pick<DeliveryState, "since" | "gap"> {
  const { since, gap } = state;
  if (newest.next !== undefined) {
    // An older gap is begun anew: some are asked for a second time, and none is left out.
    return { since, gap: { cursor: newest.next, above: newest.tries.at(-1)?.deliveredAt ?? since } };
  }
  if (gap === undefined) return { since: raise(since, open, now), gap };
  if (older === undefined) return { since, gap };
  const ofGap = new Set(older.tries.map(({ guid }) => guid));
  if (open.some(({ guid }) => ofGap.has(guid))) return { since, gap };
  const above = raise(gap.above, open, now);
  if (older.next === undefined) return { since: above, gap: undefined };
  return { since, gap: { cursor: older.next, above } };
}

/** Up to where everything is in order: never back, not into what the log may show late, not past an open event. */
function raise(since: EpochMs, open: readonly DeliveryTry[], now: EpochMs): EpochMs {
  const limits = open.map(({ deliveredAt }) => deliveredAt - 1);
  return Math.max(since, Math.min(now - LOG_LATE_MS, ...limits));
}
