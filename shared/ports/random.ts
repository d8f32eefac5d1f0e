/** Chance. `token(n)` is n characters of [a-z0-9], cryptographically random; `fraction()` is in [0, 1). */
export type Random = { token(length: number): string; fraction(): number };
