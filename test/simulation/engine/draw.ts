// Chance from a seed: every draw of the simulator comes from here, so that one seed is one run.

export type Draw = {
  /** In [0, 1). */
  fraction(): number;
  chance(probability: number): boolean;
  /** A whole number, `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** Throws for an empty list. */
  pick<T>(items: readonly T[]): T;
  /** `length` characters of [a-z0-9]. */
  token(length: number): string;
};

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

/** mulberry32: 32 bits of state are plenty for one run of six simulated hours. */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0;
  return {
    fraction,
    chance: (probability) => fraction() < probability,
    between: (from, to) => from + Math.floor(fraction() * (to - from + 1)),
    pick(items) {
      const item = items[Math.floor(fraction() * items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    token(length) {
      let text = "";
      for (let at = 0; at < length; at++) text += ALPHABET[Math.floor(fraction() * ALPHABET.length)];
      return text;
    },
  };

  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** A seed of its own for each part of a run: leaving out one part of a plan does not change what the others draw. */
export function derived(seed: number, part: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < part.length; at++) hash = Math.imul(hash ^ part.charCodeAt(at), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 13)) >>> 0;
}
