// What GitHub has left for us: the rate limit of each installation, and until when it told us to stay away.
import type { EpochMs } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Credential, credentialKey } from "./credential.ts";

/** Calls of the primary limit: 5,000 an hour per installation, more for large organizations. */
export type RateBudget = { readonly limit: number; readonly remaining: number; readonly resetAt: EpochMs };
/** Headers with lower-case names. */
export type Headers = {
  readonly date?: string | number | undefined;
  readonly [name: string]: string | number | undefined;
};
export type Budget = {
  note(as: Credential, headers: Headers): void;
  of(installationId: number): RateBudget | undefined;
  /** GitHub asked to wait; calls before are not sent, since going on may get the App banned. */
  block(as: Credential, forMs: number): void;
  /** 0 when calls may be sent. */
  blockedMs(as: Credential): number;
};

export function createBudget(clock: Clock): Budget {
  const budgets = new Map<number, RateBudget>();
  const blocks = new Map<string, EpochMs>();
  return {
    note(as, headers) {
      const budget = typeof as === "number" ? parse(headers) : undefined;
      if (typeof as === "number" && budget) budgets.set(as, budget);
    },
    of: (installationId) => budgets.get(installationId),
    block(as, forMs) {
      // Anybody's personal access token may be among them: what has ended is not kept.
      for (const [key, until] of blocks) if (until <= clock.now()) blocks.delete(key);
      blocks.set(credentialKey(as), clock.now() + forMs);
    },
    blockedMs: (as) => Math.max(0, (blocks.get(credentialKey(as)) ?? 0) - clock.now()),
  };
}

function parse(headers: Headers): RateBudget | undefined {
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) =>
    Number.parseInt(String(headers[`x-ratelimit-${name}`]), 10),
  ) as [number, number, number];
  if ([limit, remaining, reset].some(Number.isNaN)) return undefined;
  return { limit, remaining, resetAt: reset * 1_000 };
}
