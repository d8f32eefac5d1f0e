// Masks secrets in a text: the registered ones wherever they stand, and whatever has the shape of a known token.

const MASK = "***";
/** Shorter registered texts are ignored: masking every "ab" would make the log unreadable. No real secret is that short. */
export const MIN_SECRET_LENGTH = 6;

/** `secrets` are masked as written, and as they look inside a URL or a JSON text. Pure; linear in the text. */
export function scrub(text: string, secrets: Iterable<string> = []): string {
  return createScrubber(secrets)(text);
}

/** The same for many texts: what the secrets look like is worked out once. */
export function createScrubber(secrets: Iterable<string>): (text: string) => string {
  const registered = variants(secrets);
  return (text) => {
    let clean = text;
    for (const secret of registered) clean = clean.replaceAll(secret, MASK);
    if (!SUSPICIOUS.test(clean)) return clean;
    for (const [shape, mask] of SHAPES) clean = clean.replace(shape, mask);
    return clean;
  };
}

// Where this finds nothing, no shape below does: one look at an ordinary id instead of eight.
const SUSPICIOUS = /-----BEGIN |gh[a-z]_|github_pat_|ey[IJ]|A[A-Z0-9]{27}|bearer|authorization|:\/\//i;

// No word boundaries: a token glued to other text is a token still.
const SHAPES: readonly (readonly [RegExp, string])[] = [
  // An unterminated key is masked to the end of the text.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, MASK],
  // Since 2026-04 installation tokens are `ghs_<app id>_<JWT>` of about 520 characters: any length, dots and dashes.
  [/gh[a-z]_[\w.-]{10,}/g, MASK],
  [/github_pat_\w{10,}/g, MASK],
  // JWTs and encoded JIT configurations: base64 of a JSON object starts with `eyJ` or `eyI`.
  [/ey[IJ][\w+/=-]{10,}(?:\.[\w-]*){0,4}/g, MASK],
  // Registration and removal tokens: 29 characters of upper case and digits that start with A.
  [/A[A-Z0-9]{27,}/g, MASK],
  [/(bearer)(?:\s|%20)+[^\s"',;]+/gi, `$1 ${MASK}`],
  [/(authorization["']?\s*[:=]\s*["']?(?:(?:token|basic)\s+)?)[^\s"',;]+/gi, `$1${MASK}`],
  // Credentials in a URL, as proxies are often configured.
  [/(:\/\/)[^\s/@]+@/g, `$1${MASK}@`],
];

/** Longest first, so that a secret that contains another one is masked whole. */
function variants(secrets: Iterable<string>): string[] {
  const all = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_LENGTH) continue;
    all.add(secret);
    all.add(JSON.stringify(secret).slice(1, -1));
    all.add(encodeURIComponent(secret.toWellFormed()));
  }
  return [...all].sort((a, b) => b.length - a.length);
}
