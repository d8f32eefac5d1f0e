// How fast the bytes of one owner come in or go out: what is above waits, so that a tenant's large bodies leave the
// process to the others most of the time.

export type PaceOwner = { readonly key: string; readonly bytesPerSecond: number };

/** Counts `bytes` of `owner` and answers how long to wait before the next ones, ms. */
export type Pace = (owner: PaceOwner, bytes: number) => number;

type Debt = { owed: number; at: number; readonly perMs: number };

const MS_PER_SECOND = 1_000;
/** So much passes without a wait: one large body, whatever the pace. */
const BURST_SECONDS = 5;
/** At some 100 bytes each. */
const MANY_OWNERS = 10_000;

/** `now`: ms of a clock that nobody sets. */
export function createPace(now: () => number): Pace {
  const debts = new Map<string, Debt>();
  return function pace({ key, bytesPerSecond }, bytes) {
    const at = now();
    const perMs = bytesPerSecond / MS_PER_SECOND;
    const owed = leftOf(debts.get(key), at) + bytes;
    if (debts.size >= MANY_OWNERS) forgetPaid(debts, at);
    debts.set(key, { owed, at, perMs });
    return Math.max(0, (owed - BURST_SECONDS * bytesPerSecond) / perMs);
  };
}

function leftOf(debt: Debt | undefined, now: number): number {
  return debt === undefined ? 0 : Math.max(0, debt.owed - (now - debt.at) * debt.perMs);
}

function forgetPaid(debts: Map<string, Debt>, now: number): void {
  for (const [key, debt] of debts) {
    if (leftOf(debt, now) === 0) debts.delete(key);
  }
}
