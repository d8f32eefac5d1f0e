// Keeps tokens of GitHub's in the store, sealed, so that one process mints them for all.

import { TOKEN_MARGIN_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import { isAhead } from "../../domain/time-gate.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Seal } from "../../ports/seal.ts";
import { type MarkStore, StoreError } from "../../ports/store.ts";
import { rateLimited } from "../log/rate-limited.ts";

export type TokenKeep = { readonly marks: MarkStore; readonly seal: Seal };

/** `expiresAt`: GitHub's end of it. */
type KeptToken = { readonly text: string; readonly expiresAt: EpochMs };

/** A store that fails only makes the tokens cost a call each: neither method throws StoreError. */
export type KeptTokens = {
  /** Undefined when there is none that lives for another TOKEN_MARGIN_MS, or none that can be opened. */
  find(id: string): Promise<KeptToken | undefined>;
  keep(id: string, token: KeptToken): Promise<void>;
};

type Deps = {
  readonly keep: TokenKeep | undefined;
  /** Installations and owners of different GitHubs have the same ids and names. */
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
};

/** GitHub's registration and installation tokens live an hour. */
const TOKEN_LIFE_MS = 3_600_000;

export function createKeptTokens({ keep, host, clock, log: fullLog }: Deps): KeptTokens {
  if (keep === undefined) return { find: async () => undefined, keep: async () => undefined };
  const { marks, seal } = keep;
  const log = rateLimited(fullLog, { clock });
  const markId = (id: string) => `${host} ${id}`;
  return {
    find: (id) =>
      unlessStoreFails(log, async () => {
        const mark = await marks.get("token", markId(id));
        const until = (mark?.value.expiresAt ?? 0) - TOKEN_MARGIN_MS;
        if (mark === undefined || !isAhead(until, TOKEN_LIFE_MS, clock.now())) return undefined;
        const text = seal.open(itemOf(markId(id)), mark.value.sealed);
        return text === undefined ? undefined : { text, expiresAt: mark.value.expiresAt };
      }),
    keep: (id, { text, expiresAt }) =>
      unlessStoreFails(log, async () => {
        const before = await marks.get("token", markId(id));
        const value = { sealed: seal.seal(itemOf(markId(id)), text), expiresAt };
        // A lost race is no loss: whoever won keeps a token that is as good.
        await marks.put("token", markId(id), { version: (before?.version ?? 0) + 1, value, expiresAt });
      }),
  };
}

/** What the seal is bound to: opened under another mark it fails. */
function itemOf(markId: string): string {
  return `token ${markId}`;
}

async function unlessStoreFails<T>(log: Log, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const message = "tokens of GitHub's are minted without the store while it fails";
    log.warn("token-cache-unavailable", { message, error });
    return undefined;
  }
}
