// What a pass remembers for the next one, in a mark. Only the holder of the pass lock writes here.
import type { EpochMs } from "../../../domain/ids.ts";
import type { Marked } from "../../../domain/upkeep/marks.ts";
import { sight } from "../../../domain/upkeep/sightings.ts";
import type { Deps } from "../../deps.ts";

type Noted = { readonly [name: string]: EpochMs };

/** Nothing is written when nothing has changed. A lost race means that the lock was lost: the next pass looks again. */
export async function remember(
  deps: Pick<Deps, "stores">,
  id: string,
  before: Marked<"sightings"> | undefined,
  seen: Noted,
): Promise<void> {
  if (isSame(before?.value.seen ?? {}, seen)) return;
  const version = (before?.version ?? 0) + 1;
  await deps.stores.marks.put("sightings", id, { version, value: { seen } });
}

/** Those of `present` that an earlier look of the same place saw too, long enough ago. */
export async function seenTwice<Name extends string>(
  deps: Pick<Deps, "stores" | "clock">,
  place: string,
  present: readonly Name[],
): Promise<Name[]> {
  const before = await deps.stores.marks.get("sightings", place);
  const { next, confirmed } = sight(before?.value, present, deps.clock.now());
  await remember(deps, place, before, next.seen);
  return present.filter((name) => confirmed.includes(name));
}

function isSame(a: Noted, b: Noted): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
