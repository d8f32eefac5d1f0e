// What background work remembers from pass to pass: small documents with a version, each replaced as a whole.

import type { Pauses } from "../admission/pauses.ts";
import type { EpochMs } from "../ids.ts";
import type { ProbeGroup } from "../job/probe-group.ts";

/**
 * One reconcile pass at a time: a crashed holder blocks the next for no longer than `until`; undefined: it has ended.
 * `setBackMs`: the clock was set back by so much, and what was written before is not yet brought in line with it.
 */
export type PassLock = {
  readonly holder: string;
  readonly startedAt: EpochMs;
  readonly until: EpochMs | undefined;
  readonly setBackMs: number;
  /**
   * The process's own time was so far ahead of its machine's clock; absent: they are the same, or it has stopped in
   * order.
   */
  readonly aheadMs?: number | undefined;
};

/** Up to where the App's hook deliveries are known to be in order, and which of the others were asked for again. */
export type DeliveryMark = {
  /** Every delivery made before this has arrived, or was given up. */
  readonly since: EpochMs;
  /** By guid: how often it was asked for again, and when last. */
  readonly asked: { readonly [guid: string]: { readonly times: number; readonly at: EpochMs } };
};

/** What should not be there, and since when it is seen: only what two passes see is cleaned up. */
export type Sightings = { readonly seen: { readonly [name: string]: EpochMs } };

/**
 * Runner registrations of one owner, in buckets of `domain/github-budget.ts`: no header of GitHub's tells how many are
 * left.
 */
export type RegistrationCount = { readonly buckets: { readonly [startedAt: string]: number } };

/** A token of GitHub's, sealed and bound to its place; `expiresAt` is GitHub's. */
type SealedToken = { readonly sealed: string; readonly expiresAt: EpochMs };

/** Where a look at many things goes on in the next pass. */
export type Cursor = { readonly after: string | undefined; readonly roundAt: EpochMs };

export type Marks = {
  readonly "pass-lock": PassLock;
  readonly deliveries: DeliveryMark;
  readonly sightings: Sightings;
  readonly registrations: RegistrationCount;
  readonly token: SealedToken;
  readonly cursor: Cursor;
  readonly "probe-group": ProbeGroup;
  readonly pauses: Pauses;
};
export type MarkKind = keyof Marks;

/** Version 1 is the first; each write is exactly one more. */
export type Marked<Kind extends MarkKind> = {
  readonly version: number;
  readonly value: Marks[Kind];
  /** Not read after this; undefined: kept. */
  readonly expiresAt?: EpochMs | undefined;
};
