// Keeps installation tokens for @octokit/auth-app on our own clock: its default cache reads the system's.

import { TOKEN_MARGIN_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KeptTokens } from "./token-cache-kept.ts";

/** GitHub's tokens live 1 h; a call may be under way at the end. */
const LIFE_MS = 60 * 60_000;
const USE_MS = LIFE_MS - TOKEN_MARGIN_MS;

/** Keys are auth-app's: the installation's id. Values are its own text of a token and what it needs to know of it. */
export type TokenCache = {
  /** From this process, else from what any process has kept. */
  get(key: string): Promise<string>;
  set(key: string, value: string): Promise<void>;
  /** Since it was minted; undefined when it is not there. */
  ageMs(key: string): number | undefined;
};

type Entry = { readonly value: string; readonly mintedAt: EpochMs };

export function createTokenCache(clock: Clock, kept: KeptTokens): TokenCache {
  const entries = new Map<string, Entry>();

  async function findKept(key: string): Promise<Entry | undefined> {
    const found = await kept.find(keptId(key));
    return found && { value: found.text, mintedAt: found.expiresAt - LIFE_MS };
  }

  return {
    async get(key) {
      const own = entries.get(key);
      if (own && !isOver(own.mintedAt, USE_MS, clock.now())) return own.value;
      const entry = await findKept(key);
      if (entry) entries.set(key, entry);
      else entries.delete(key);
      // Empty is auth-app's word for "not there".
      return entry?.value ?? "";
    },
    async set(key, value) {
      const mintedAt = clock.now();
      entries.set(key, { value, mintedAt });
      await kept.keep(keptId(key), { text: value, expiresAt: mintedAt + LIFE_MS });
    },
    ageMs(key) {
      const entry = entries.get(key);
      return entry && clock.now() - entry.mintedAt;
    },
  };
}

function keptId(key: string): string {
  return `installation ${key}`;
}
