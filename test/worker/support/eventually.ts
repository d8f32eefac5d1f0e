// Waits for what real processes do, for a bounded time.
import { setTimeout as wait } from "node:timers/promises";

/** Resolves with the first value that is neither undefined nor false. */
export async function eventually<T>(
  what: string,
  read: () => T | undefined | false,
  limitMs = 30_000,
): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > until) throw new Error(`Not within ${limitMs} ms: ${what}.`);
    await wait(10);
  }
}
