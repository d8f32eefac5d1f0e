// Repeatable chance for the stand-in: the same seed gives the same losses, delays and assignments.

/** @returns fractions in [0, 1), by the mulberry32 generator. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<Item>(items: readonly Item[], fraction: () => number): Item | undefined {
  return items[Math.floor(fraction() * items.length)];
}

export function shuffled<Item>(items: readonly Item[], fraction: () => number): Item[] {
  return items
    .map((item) => ({ item, key: fraction() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
