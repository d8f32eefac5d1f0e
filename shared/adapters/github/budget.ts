// What GitHub has left for us: the rate limit of each installation, and until when it told us to stay away.

import type { EpochMs } from "../../domain/ids.ts";
import { isAhead } from "../../domain/time-gate.ts";
import { latestRate, type RateBudget } from "../../domain/upkeep/github-budget.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Credential, credentialKey } from "./credential.ts";

/** Headers with lower-case names. */
export type Headers = {
  readonly date?: string | number | undefined;
  readonly [name: string]: string | number | undefined;
};
/** The App, or one of its installations by its id. A person's limits are their own affair, and not kept. */
export type Account = "app" | number;
export type Budget = {
  note(as: Credential, headers: Headers): void;
  of(as: Credential): RateBudget | undefined;
  /** GitHub asked to wait; calls before are not sent, since going on may get the App banned. */
  block(as: Credential, forMs: number): void;
  /** 0 when calls may be sent. */
  blockedMs(as: Credential): number;
};

/** Every limit of GitHub's is over by then. */
const HOUR_MS = 3_600_000;

export function createBudget(clock: Clock): Budget {
  const rates = new Map<Account, RateBudget>();
  const blocks = new Map<string, EpochMs>();
  return {
    note(as, headers) {
      const told = parse(headers);
      if (typeof as !== "object" && told) rates.set(as, latestRate(rates.get(as), told));
    },
    of: (as) => (typeof as === "object" ? undefined : rates.get(as)),
    block(as, forMs) {
      // Anybody's personal access token may be among them: what has ended is not kept.
      for (const [key, until] of blocks) if (until <= clock.now()) blocks.delete(key);
      const key = credentialKey(as);
      blocks.set(key, Math.max(clock.now() + Math.min(forMs, HOUR_MS), blocks.get(key) ?? 0));
    },
    blockedMs(as) {
      const until = blocks.get(credentialKey(as));
      return until !== undefined && isAhead(until, HOUR_MS, clock.now()) ? until - clock.now() : 0;
    },
  };
}

/** Other resources (search, config.sh's registrations) have limits of their own under the same names. */
function parse(headers: Headers): RateBudget | undefined {
  if ((headers["x-ratelimit-resource"] ?? "core") !== "core") return undefined;
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) =>
    Number.parseInt(String(headers[`x-ratelimit-${name}`]), 10),
  ) as [number, number, number];
  if ([limit, remaining, reset].some(Number.isNaN)) return undefined;
  return { limit, remaining, resetAt: reset * 1_000 };
}
