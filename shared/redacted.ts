// A secret that cannot be printed by accident: every way to text shows a mask, `reveal` is the only way out.

const MASK = "[redacted]";
declare const brand: unique symbol;

/** Holds a secret text. Prints, serialises and clones as `[redacted]`. */
export type Redacted = { readonly secret: typeof MASK; readonly [brand]: "redacted" };

/** Wraps a secret; do it where the secret enters the process. */
export function redact(text: string): Redacted {
  const secret: Redacted = Object.freeze(Object.assign(Object.create(face), { secret: MASK }));
  texts.set(secret, text);
  return secret;
}

/** The secret itself. Throws for a copy (a structured clone, parsed JSON), which no longer holds it. */
export function reveal(secret: Redacted): string {
  const text = texts.get(secret);
  if (text === undefined) {
    throw new TypeError("This redacted value is a copy and holds no secret; pass the original object on.");
  }
  return text;
}

// Kept outside the objects, so that neither an inspector nor a clone can reach the text through them.
const texts = new WeakMap<Redacted, string>();

const mask = () => MASK;
const face = Object.freeze({
  toString: mask,
  toJSON: mask,
  [Symbol.toPrimitive]: mask,
  [Symbol.for("nodejs.util.inspect.custom")]: mask,
});
