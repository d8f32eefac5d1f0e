// Chance that repeats itself: the same seed, the same tokens and fractions.
import type { Random } from "../../shared/ports/random.ts";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

/** mulberry32: 32 bits of state are plenty for a test. */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  return {
    fraction,
    token: (length) =>
      Array.from({ length }, () => ALPHABET[Math.floor(fraction() * ALPHABET.length)]).join(""),
  };

  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
