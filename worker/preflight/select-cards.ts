// Of the cards in sight, those that the worker was given. Pure.
import type { GivenCards } from "./given-cards.ts";

export type Selection<Card> =
  | { readonly type: "found"; readonly cards: readonly Card[] }
  /** Which they are is known, and these are not in sight. */
  | { readonly type: "missing"; readonly names: readonly string[] }
  | { readonly type: "too-few" }
  /** There are more, and nothing says which are its own. */
  | { readonly type: "unclear" };

type Ids = {
  /** What the host calls it: its number, its UUID. */
  readonly ids: readonly string[];
};

/**
 * `seen` in the order of the host. `isWide`: more device files than were given are in sight; undefined: nobody looked.
 * `isWhole`: `seen` is exactly what was given, counted in the pool's way.
 */
export function selectCards<Card extends Ids>(
  seen: readonly Card[],
  given: GivenCards,
  view: { readonly isWide: boolean | undefined; readonly isWhole: boolean },
): Selection<Card> {
  const { names = [], places = [], count, isShared } = given;
  const named = names.map((name) => seen.find(({ ids }) => ids.some((id) => isNamed(id, name))));
  const placed = places.map((place) => seen[place]);
  const inSight = isComplete(placed);
  const whole = view.isWhole && view.isWide !== true && inSight ? seen : [];
  const best = isExact(given) ? [named, whole, placed] : [whole, placed, named];
  const found = best.find((cards) => cards.length > 0 && isComplete(cards));
  if (found !== undefined) return { type: "found", cards: [...new Set(found.filter(isThere))] };
  const some = named.filter(isThere);
  if (isShared && seen.length > 0) return { type: "found", cards: sharesOf(seen, some, count) };
  const isKnown = some.length > 0 || !inSight || view.isWide === true || seen.length > count;
  if (names.length > 0 && seen.length > 0 && isKnown) {
    return { type: "missing", names: names.filter((_, at) => named[at] === undefined) };
  }
  return { type: seen.length < count ? "too-few" : "unclear" };
}

/** A part of a card has a name of its own: among more than were given it cannot be told, and none is blamed. */
function sharesOf<Card>(seen: readonly Card[], named: readonly Card[], count: number): readonly Card[] {
  if (named.length > 0) return named;
  return seen.length <= count ? seen : [];
}

function isComplete(cards: readonly unknown[]): boolean {
  return cards.every(isThere);
}

function isThere<Card>(card: Card | undefined): card is Card {
  return card !== undefined;
}

/**
 * The number of an NPU is that of its device file, and the table has it. GPUs are counted by whoever looks: what CUDA takes
 * for its own within this view is what the job will use.
 */
function isExact({ kind, names = [] }: GivenCards): boolean {
  return kind !== "gpu" || names.some((name) => name.startsWith("GPU-"));
}

/** A UUID may be cut short. */
function isNamed(id: string, name: string): boolean {
  return id === name || (name.startsWith("GPU-") && id.startsWith(name));
}
