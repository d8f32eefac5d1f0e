// Who has had more of a pool's cards than its part while others waited, and who less: a choice without this memory cannot
// divide cards that weights do not divide (10 cards by weights 1:1:2 went 16 % wrong; docs/adr/0017).
import { BALANCE_CARD_MS, BALANCE_MEMORY_MS } from "../deadlines.ts";
import type { EpochMs, TenantId } from "../ids.ts";

/** Kept in the pool's item, and brought up to date before each change of its reservations. */
export type Balance = {
  readonly at: EpochMs;
  /** The weights of the tenants that had more jobs to start after the last pass: only these share. */
  readonly rivals: { readonly [tenant: string]: number };
  /** Card-milliseconds beyond a tenant's part, negative when short of it. Fades with time; their sum is 0 until then. */
  readonly beyond: { readonly [tenant: string]: number };
};

/** What each tenant holds now, in cards. */
export type Loads = ReadonlyMap<string, number>;

/**
 * The time since the last look goes to what each tenant held. A clock that is behind changes nothing, until it is far
 * behind.
 */
export function settled(balance: Balance, loads: Loads, now: EpochMs): Balance {
  const passedMs = now - balance.at;
  // Whoever wrote last was far ahead: nothing would count until all clocks get there.
  if (passedMs < -MAX_SKEW_MS) return { ...balance, at: now };
  if (passedMs <= 0) return balance;
  const faded = Math.exp(-passedMs / BALANCE_MEMORY_MS);
  // Of a constant excess that fades all along, this much is left.
  const keptMs = BALANCE_MEMORY_MS * (1 - faded);
  const beyond: { [tenant: string]: number } = {};
  for (const [tenant, ms] of Object.entries(balance.beyond)) {
    const left = ms * faded;
    if (Math.abs(left) >= FORGOTTEN_MS || tenant in balance.rivals) beyond[tenant] = left;
  }
  for (const [tenant, cards] of excesses(balance, loads)) {
    beyond[tenant] = (beyond[tenant] ?? 0) + cards * keptMs;
  }
  return { ...balance, at: now, beyond };
}

/** The rivals from now on. Undefined: nobody shares, and nothing is to be made up for. */
export function withRivals(
  before: Balance | undefined,
  rivals: Balance["rivals"],
  now: EpochMs,
): Balance | undefined {
  const shares = Object.keys(rivals).length > 1;
  if (!shares && Object.keys(before?.beyond ?? {}).length === 0) return undefined;
  return { at: now, beyond: {}, ...before, rivals: shares ? rivals : {} };
}

/** Cards to add to what a tenant holds when it is compared with others: from -1, first make up for it, to 1. */
export function correctionOf(balance: Balance | undefined, tenant: TenantId): number {
  const cards = (balance?.beyond[tenant] ?? 0) / BALANCE_CARD_MS;
  return Math.max(-1, Math.min(1, cards));
}

const MAX_SKEW_MS = 60_000;

/** Less than a second of one card is not worth its bytes, once its tenant is no rival. */
const FORGOTTEN_MS = 1_000;

/** Of what the rivals hold together: how many cards more than its part by weight each has. */
function excesses({ rivals }: Balance, loads: Loads): [tenant: string, cards: number][] {
  const all = Object.entries(rivals);
  const weights = all.reduce((sum, [, weight]) => sum + weight, 0);
  const held = all.reduce((sum, [tenant]) => sum + (loads.get(tenant) ?? 0), 0);
  return all.map(([tenant, weight]) => [tenant, (loads.get(tenant) ?? 0) - (held * weight) / weights]);
}
