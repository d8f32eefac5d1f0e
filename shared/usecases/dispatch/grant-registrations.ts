// Counts an owner's runner registrations before they are made: no header of GitHub's tells how many are left.
//
// One small document per owner, replaced if nobody else was first, so that all processes count as one.

import type { EpochMs, TenantId } from "../../domain/ids.ts";
import {
  countEndsAt,
  givenBack,
  grantable,
  grantableAt,
  granted,
  refusedUntil,
} from "../../domain/upkeep/github-budget.ts";
import type { RegistrationCount } from "../../domain/upkeep/marks.ts";
import type { Clock } from "../../ports/clock.ts";
import type { MarkStore } from "../../ports/store.ts";

/** `again`: when another can be had, if fewer were granted than wanted, or these were the last. */
type Grant = { readonly granted: number; readonly again: EpochMs | undefined };

type GrantDeps = {
  readonly stores: { readonly marks: MarkStore };
  readonly clock: Clock;
};

/**
 * One write, whatever `wanted` is; none when nothing is left. `insteadOf`: when an earlier grant was made that these
 * replace, one of it.
 */
export async function grantRegistrations(
  deps: GrantDeps,
  owner: TenantId,
  wanted: number,
  insteadOf?: EpochMs,
): Promise<Grant> {
  let given = 0;
  const outcome = await change(deps, owner, (count, now) => {
    const free = insteadOf === undefined ? count : givenBack(count, 1, insteadOf, now);
    given = Math.min(wanted, grantable(free, now));
    return given === 0 ? count : granted(free, given, now);
  });
  const now = deps.clock.now();
  if (outcome === undefined) return { granted: 0, again: now + RACE_PAUSE_MS };
  const last = given < wanted || grantable(outcome, now) === 0;
  return { granted: given, again: last ? grantableAt(outcome, 1, now) : undefined };
}

/** How many could be granted now, and when the next one can be if there is none. Costs one read. */
export async function registrationsLeft(
  deps: GrantDeps,
  owner: TenantId,
): Promise<{ readonly left: number; readonly again: EpochMs | undefined }> {
  const now = deps.clock.now();
  const count = (await deps.stores.marks.get("registrations", owner))?.value ?? NONE;
  const left = grantable(count, now);
  return { left, again: left > 0 ? undefined : grantableAt(count, 1, now) };
}

/**
 * Gives back `unused` of what was granted at `grantedAt`. Where that loses every race they stay counted: too many, never
 * too few.
 */
export async function returnRegistrations(
  deps: GrantDeps,
  owner: TenantId,
  unused: { readonly count: number; readonly grantedAt: EpochMs },
): Promise<void> {
  await change(deps, owner, (count, now) => givenBack(count, unused.count, unused.grantedAt, now));
}

/** GitHub registers nobody of this owner until then, as far as it has told: no worker is started that would only wait. */
export async function stopRegistrations(deps: GrantDeps, owner: TenantId, until: EpochMs): Promise<void> {
  await change(deps, owner, (count, now) =>
    grantableAt(count, 1, now) >= until ? count : refusedUntil(count, until, now),
  );
}

const NONE: RegistrationCount = { buckets: {} };
/** Enough for the dispatchers of a few pools that meet; a crowd of late workers comes again one by one. */
const MAX_RACES = 8;
const RACE_PAUSE_MS = 1_000;
/** Clocks of processes differ: a mark is not forgotten by one that is ahead while it still counts for another. */
const EXPIRY_SLACK_MS = 60_000;

/** The count as it is stored then; undefined when others were first MAX_RACES times in a row. */
async function change(
  { stores, clock }: GrantDeps,
  owner: TenantId,
  decide: (count: RegistrationCount, now: EpochMs) => RegistrationCount,
): Promise<RegistrationCount | undefined> {
  for (let race = 0; race < MAX_RACES; race++) {
    const mark = await stores.marks.get("registrations", owner);
    const now = clock.now();
    const before = mark?.value ?? NONE;
    const value = decide(before, now);
    if (value === before) return before;
    const expiresAt = countEndsAt(value, now) + EXPIRY_SLACK_MS;
    const next = { version: (mark?.version ?? 0) + 1, value, expiresAt };
    if (await stores.marks.put("registrations", owner, next)) return value;
  }
  return undefined;
}
