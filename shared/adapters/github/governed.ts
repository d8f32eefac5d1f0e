// Decides whether a call to GitHub may be sent now: by what it is for, what is left, and what GitHub said last.
//
// It stands right before the sending: an answer from a cache costs nothing and is never held back, and only here is it
// known for sure which installation pays.

import type { EpochMs } from "../../domain/ids.ts";
import {
  type CallClass,
  grantable,
  grantableAt,
  granted,
  heldUntil,
  POINTS,
  pointsOf,
  type RateBudget,
} from "../../domain/upkeep/github-budget.ts";
import type { RegistrationCount } from "../../domain/upkeep/marks.ts";
import type { Clock } from "../../ports/clock.ts";
import { GithubError } from "../../ports/github.ts";
import type { Log } from "../../ports/log.ts";
import { rateLimited } from "../log/rate-limited.ts";
import type { Account, Budget } from "./budget.ts";
import { type Credential, credentialKey } from "./credential.ts";
import { createSlots } from "./governed-slots.ts";
import type { Call, Send } from "./send.ts";

/** What this process knows of one installation's budget, or of the App's own, and what it has spent of it. */
export type BudgetState = {
  readonly installation: Account;
  /** Undefined before its first answer with headers. */
  readonly rate: RateBudget | undefined;
  /** No call is sent before. */
  readonly blockedUntil: EpochMs | undefined;
  /** Calls sent since the start of the process. */
  readonly spent: Spent;
};
type Spent = { readonly [callClass in CallClass]: number };

export type Governor = {
  /** `send`, but for calls that may not be made now: those throw GithubError `rate-limited` at once. */
  govern(send: Send): Send;
  states(): readonly BudgetState[];
};

type GovernorDeps = {
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
  readonly apiUrl: string;
  /** Writes under way at once per installation. */
  readonly writesAtOnce: number;
};

const NOTHING_SPENT: Spent = { start: 0, check: 0, "clean-up": 0 };
const RANK: { readonly [callClass in CallClass]: number } = { start: 0, check: 1, "clean-up": 2 };

export function createGovernor(deps: GovernorDeps): Governor {
  const { clock } = deps;
  const log = rateLimited(deps.log, { clock });
  const slots = createSlots(deps.writesAtOnce);
  const points = createPoints(clock);
  const spent = new Map<Account, Spent>();

  /** Throws when the call has to wait; else it is counted, and must be sent. */
  function admit(as: Credential, call: Call): void {
    const hold = holdOf(deps, as, call) ?? points.hold(as, call);
    if (hold !== undefined) throw heldBack(log, call, hold, clock.now());
    points.count(as, call);
    if (typeof as !== "object") spent.set(as, plusOne(spent.get(as), classOf(call)));
  }

  return {
    govern: (send) => async (as, call, schema) => {
      const task = async () => {
        admit(as, call);
        return await send(as, call, schema);
      };
      if (methodOf(call) === "GET") return await task();
      return await slots.run(credentialKey(as), RANK[classOf(call)], task);
    },
    states: () => [...spent].map(([installation, sum]) => stateOf(deps, installation, sum)),
  };
}

function plusOne(spent = NOTHING_SPENT, callClass: CallClass): Spent {
  return { ...spent, [callClass]: spent[callClass] + 1 };
}

function stateOf({ budget, clock }: GovernorDeps, installation: Account, spent: Spent): BudgetState {
  const blockedMs = budget.blockedMs(installation);
  const blockedUntil = blockedMs === 0 ? undefined : clock.now() + blockedMs;
  return { installation, rate: budget.of(installation), blockedUntil, spent };
}

/** Reading is checking, deleting is cleaning up, and the rest starts something, unless the call says otherwise. */
function classOf(call: Call): CallClass {
  if (call.class !== undefined) return call.class;
  const method = methodOf(call);
  if (method === "GET") return "check";
  return method === "DELETE" ? "clean-up" : "start";
}

function methodOf({ route }: Call): string {
  return route.slice(0, route.indexOf(" "));
}

/** Why a call has to wait, and until when. */
type Hold = { readonly reason: string; readonly until: EpochMs };

function holdOf({ budget, clock, apiUrl }: GovernorDeps, as: Credential, call: Call): Hold | undefined {
  const now = clock.now();
  const blockedMs = budget.blockedMs(as);
  if (blockedMs > 0) return { reason: `its rate limit is used up at ${apiUrl}`, until: now + blockedMs };
  const rate = budget.of(as);
  const until = heldUntil(classOf(call), rate, now);
  if (rate === undefined || until === undefined) return undefined;
  const left = `only ${rate.remaining} of ${rate.limit} calls are left until the reset`;
  const payer = as === "app" ? "the App" : `installation ${String(as)}`;
  return { reason: `${left} for ${payer}, kept for what is more urgent than ${classOf(call)} calls`, until };
}

function heldBack(log: Log, call: Call, { reason, until }: Hold, now: EpochMs): GithubError {
  const retryAfterMs = until - now;
  const message = `GitHub was not asked to ${call.purpose} for ${call.target}: ${reason}. Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
  log.warn("github-call-held-back", { reason: `${classOf(call)} calls`, message, ms: retryAfterMs });
  return new GithubError(message, { fault: "rate-limited", retryAfterMs });
}

/** What this process spends of GitHub's points per minute, by payer and address. */
function createPoints(clock: Clock) {
  const counts = new Map<string, RegistrationCount>();
  const keyOf = (as: Credential, { route }: Call) => `${credentialKey(as)} ${route}`;
  return {
    hold(as: Credential, call: Call): Hold | undefined {
      const count = counts.get(keyOf(as, call));
      const cost = pointsOf(methodOf(call));
      if (count === undefined || grantable(count, clock.now(), POINTS) >= cost) return undefined;
      const until = grantableAt(count, cost, clock.now(), POINTS);
      return { reason: `GitHub takes ${Math.floor(POINTS.limit / cost)} such calls a minute`, until };
    },
    count(as: Credential, call: Call): void {
      const key = keyOf(as, call);
      const before = counts.get(key) ?? { buckets: {} };
      if (counts.size > MAX_COUNTS) counts.clear();
      counts.set(key, granted(before, pointsOf(methodOf(call)), clock.now(), POINTS));
    },
  };
}

/** A handful of addresses for each installation and each person; beyond that GitHub's own count does. */
const MAX_COUNTS = 10_000;
