// Exponential back-off with full jitter, as a pure function of the attempt and a random number.

export type Backoff = { readonly minMs: number; readonly maxMs: number };

/** Delay before try `attempt + 1`: uniform in [min, min * 2^attempt], capped at max. `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number, { minMs, maxMs }: Backoff): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return Math.round(minMs + random * (ceiling - minMs));
}
