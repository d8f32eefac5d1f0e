// What GitHub has left for us: the rate limit of each installation, and until when it told us to stay away.
import type { EpochMs } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";

/** Calls of the primary limit: 5,000 an hour per installation, more for large organizations. */
export type RateBudget = { readonly limit: number; readonly remaining: number; readonly resetAt: EpochMs };
/** Headers with lower-case names. */
export type Headers = {
  readonly date?: string | number | undefined;
  readonly [name: string]: string | number | undefined;
};
/** Calls are made as the App (JWT) or as one installation. */
export type Credential = "app" | number;

export type Budget = {
  note(as: Credential, headers: Headers): void;
  of(as: Credential): RateBudget | undefined;
  /** GitHub asked to wait; calls before are not sent, since going on may get the App banned. */
  block(as: Credential, forMs: number): void;
  /** 0 when calls may be sent. */
  blockedMs(as: Credential): number;
};

export function createBudget(clock: Clock): Budget {
  const budgets = new Map<Credential, RateBudget>();
  const blocks = new Map<Credential, EpochMs>();
  return {
    note(as, headers) {
      const budget = parse(headers);
      if (budget) budgets.set(as, budget);
    },
    of: (as) => budgets.get(as),
    block: (as, forMs) => void blocks.set(as, clock.now() + forMs),
    blockedMs: (as) => Math.max(0, (blocks.get(as) ?? 0) - clock.now()),
  };
}

function parse(headers: Headers): RateBudget | undefined {
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) =>
    Number.parseInt(String(headers[`x-ratelimit-${name}`]), 10),
  ) as [number, number, number];
  if ([limit, remaining, reset].some(Number.isNaN)) return undefined;
  return { limit, remaining, resetAt: reset * 1_000 };
}
