// What should not be there is cleaned up only when two looks, some time apart, have seen it.
import { SECOND_SIGHT_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Sightings } from "./marks.ts";

/** Remembered of one place: 2,000 names take 100 kB. The rest is seen once these are gone. */
const MAX_REMEMBERED = 2_000;

export type Sighted = {
  /** For the next look; whatever was not seen this time is forgotten. */
  readonly next: Sightings;
  /** Seen now and at least SECOND_SIGHT_MS ago. */
  readonly confirmed: readonly string[];
};

/** `present`: all that this look has seen. */
export function sight(before: Sightings | undefined, present: readonly string[], now: EpochMs): Sighted {
  // Seen at a time that is still to come: its time begins anew.
  const since = (name: string) => Math.min(before?.seen[name] ?? now, now);
  const seen = Object.fromEntries(present.slice(0, MAX_REMEMBERED).map((name) => [name, since(name)]));
  return { next: { seen }, confirmed: present.filter((name) => now - since(name) >= SECOND_SIGHT_MS) };
}
