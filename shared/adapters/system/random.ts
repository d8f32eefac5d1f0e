import { randomBytes, randomInt } from "node:crypto";
import type { Random } from "../../ports/random.ts";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
/** Bytes from here on would make the first characters likelier than the rest. */
const FAIR = 256 - (256 % ALPHABET.length);
const FRACTIONS = 2 ** 32;

/** Cryptographic randomness. */
export const systemRandom: Random = {
  token(length) {
    let text = "";
    while (text.length < length) {
      for (const byte of randomBytes(length)) {
        if (byte < FAIR && text.length < length) text += ALPHABET[byte % ALPHABET.length];
      }
    }
    return text;
  },
  fraction: () => randomInt(FRACTIONS) / FRACTIONS,
};
