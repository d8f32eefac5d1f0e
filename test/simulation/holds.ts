// Who held how many cards from when to when, as the ledger's writes say.
import type { EpochMs } from "../../shared/domain/ids.ts";
import type { Pool } from "../../shared/domain/pool/pool.ts";

export type Hold = {
  readonly tenant: string;
  readonly cards: number;
  readonly from: EpochMs;
  /** Infinity while it is held. */
  readonly to: EpochMs;
};

export type Holds = { onPool(pool: Pool): void; all(): readonly Hold[] };

export function createHolds(now: () => EpochMs): Holds {
  const open = new Map<string, Hold>();
  const closed: Hold[] = [];
  return {
    onPool({ reservations }) {
      for (const [id, hold] of open) {
        if (id in reservations) continue;
        closed.push({ ...hold, to: now() });
        open.delete(id);
      }
      for (const [id, { tenant, cards }] of Object.entries(reservations)) {
        if (!open.has(id)) open.set(id, { tenant, cards, from: now(), to: Number.POSITIVE_INFINITY });
      }
    },
    all: () => [...closed, ...open.values()],
  };
}

/** Card-milliseconds of each tenant from `from` to `to`. */
export function cardTime(holds: readonly Hold[], from: EpochMs, to: EpochMs): Map<string, number> {
  const sums = new Map<string, number>();
  for (const hold of holds) {
    const ms = Math.max(0, Math.min(hold.to, to) - Math.max(hold.from, from));
    sums.set(hold.tenant, (sums.get(hold.tenant) ?? 0) + ms * hold.cards);
  }
  return sums;
}
