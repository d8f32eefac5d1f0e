// Keeps installation tokens for @octokit/auth-app on our own clock: its default cache reads the system's.
import type { EpochMs } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";

/** GitHub's tokens live 1 h; a call may be under way at the end. */
const KEEP_MS = 55 * 60_000;

export type TokenCache = {
  get(key: string): string;
  set(key: string, value: string): void;
  /** Since it was set; undefined when it is not there. */
  ageMs(key: string): number | undefined;
};

export function createTokenCache(clock: Clock): TokenCache {
  const entries = new Map<string, { readonly value: string; readonly setAt: EpochMs }>();
  return {
    // Empty is auth-app's word for "not there".
    get(key) {
      const entry = entries.get(key);
      if (entry && clock.now() - entry.setAt < KEEP_MS) return entry.value;
      entries.delete(key);
      return "";
    },
    set: (key, value) => void entries.set(key, { value, setAt: clock.now() }),
    ageMs(key) {
      const entry = entries.get(key);
      return entry && clock.now() - entry.setAt;
    },
  };
}
