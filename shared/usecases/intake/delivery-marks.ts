// What recover-deliveries remembers from pass to pass: the watermark with what was asked for, the gap, and when to look
// next.

import type { EpochMs } from "../../domain/ids.ts";
import { isAhead, isOfFuture } from "../../domain/time-gate.ts";
import type { DeliveryState } from "../../domain/upkeep/lost-deliveries.ts";
import { DELIVERIES_KEPT_MS, FIRST_LOOK_MS } from "../../domain/upkeep/lost-deliveries.ts";
import type { Marked, MarkKind, Marks } from "../../domain/upkeep/marks.ts";
import type { Deps } from "../deps.ts";

export type DeliveryMarks = {
  readonly state: DeliveryState;
  readonly stored: {
    readonly mark: Marked<"deliveries"> | undefined;
    readonly gap: Marked<"cursor"> | undefined;
    readonly look: Marked<"cursor"> | undefined;
  };
};

type MarkDeps = Pick<Deps, "clock"> & { readonly stores: Pick<Deps["stores"], "marks"> };

/** The watermark; there is one App. */
const MARK_ID = "app";
/** A cursor: `after` is GitHub's page where the gap begins, `roundAt` the time down to which the log is read before it. */
const GAP_ID = "deliveries-gap";
/** A cursor without a place: `roundAt` is when the log is read next. */
const LOOK_ID = "deliveries-look";

/** The pass comes each minute, though not to the second. */
const JITTER_MS = 10_000;
/** At most with every pass, when there is more to ask for. */
const LEAST_LOOK_MS = 60_000 - JITTER_MS;
/** At least 12 calls an hour: a job whose webhook failed waits 5 minutes at most before it is asked for. */
const MOST_LOOK_MS = 300_000 - JITTER_MS;

/** Undefined when it is not time to look. `atOnce`: it is. */
export async function loadDeliveryMarks(
  { stores, clock }: MarkDeps,
  { atOnce }: { readonly atOnce: boolean },
): Promise<DeliveryMarks | undefined> {
  const now = clock.now();
  const look = await stores.marks.get("cursor", LOOK_ID);
  if (!atOnce && isAhead(look?.value.roundAt, MOST_LOOK_MS, now)) return undefined;
  const mark = await stores.marks.get("deliveries", MARK_ID);
  const gap = await stores.marks.get("cursor", GAP_ID);
  const cursor = gap?.value.after;
  const state = {
    since: Math.max(sinceIn(mark, now), now - DELIVERIES_KEPT_MS),
    asked: mark?.value.asked ?? {},
    gap: gap === undefined || cursor === undefined ? undefined : { cursor, above: gap.value.roundAt },
  };
  return { state, stored: { mark, gap, look } };
}

/** A watermark of a clock that ran ahead has let pass what was lost meanwhile: it is begun anew. */
function sinceIn(mark: Marked<"deliveries"> | undefined, now: EpochMs): EpochMs {
  const since = mark?.value.since;
  return since === undefined || isOfFuture(since, now) ? now - FIRST_LOOK_MS : since;
}

/** GitHub could not be asked: the next look is not before the next minute. */
export async function putOffLook(
  { stores: { marks }, clock }: MarkDeps,
  { stored: { look } }: DeliveryMarks,
  forMs = 0,
): Promise<void> {
  const roundAt = clock.now() + Math.min(Math.max(forMs, LEAST_LOOK_MS), MOST_LOOK_MS);
  const value = { after: undefined, roundAt };
  await marks.put("cursor", LOOK_ID, { version: (look?.version ?? 0) + 1, value });
}

/**
 * `lookAt`: when the next look is wanted, within the bounds above. The watermark is written before the gap that it
 * closes: a crash between leaves a gap with nothing below it. Stops at the first that another pass wrote meanwhile: its
 * view is newer.
 */
export async function saveDeliveryMarks(
  { stores: { marks }, clock }: MarkDeps,
  { stored }: DeliveryMarks,
  { since, asked, gap }: DeliveryState,
  lookAt: EpochMs,
): Promise<void> {
  const put = <Kind extends MarkKind>(
    kind: Kind,
    id: string,
    before: Marked<Kind> | undefined,
    value: Marks[Kind],
  ) => marks.put(kind, id, { version: (before?.version ?? 0) + 1, value });
  if (!(await put("deliveries", MARK_ID, stored.mark, { since, asked }))) return;
  if (stored.gap?.value.after !== gap?.cursor || stored.gap?.value.roundAt !== gap?.above) {
    const value = { after: gap?.cursor, roundAt: gap?.above ?? since };
    if (!(await put("cursor", GAP_ID, stored.gap, value))) return;
  }
  const now = clock.now();
  const roundAt = Math.min(Math.max(lookAt, now + LEAST_LOOK_MS), now + MOST_LOOK_MS);
  await put("cursor", LOOK_ID, stored.look, { after: undefined, roundAt });
}
