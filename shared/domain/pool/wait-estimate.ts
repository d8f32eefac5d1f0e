// When a job that waits for cards will start, by the pace of late: an estimate for people, which decides nothing.

import type { TenantId } from "../ids.ts";
import type { Balance } from "./balance.ts";
import type { Pool, Use } from "./pool.ts";
import { freeCards, loadOf, usableCards, usedBy } from "./pool.ts";

/** The pool after a worker held so many cards for so long. Each card counts, as large jobs hold more of them. */
export function paced(pool: Pool, use: Use, heldMs: number): Pool {
  const { heldMs: before = heldMs } = pool;
  const cards = loadOf(use);
  const next = before + ((heldMs - before) * cards) / (cards + REMEMBERED_CARDS);
  return { ...pool, heldMs: Math.round(next) };
}

export type Line = {
  readonly tenant: TenantId;
  /** Cards that the job and those of its tenant before it ask for; one for each without any. */
  readonly load: number;
  readonly weight: number;
  /** Of its tenant's quota and of the pool's limit of workers: cards or workers that it can have at once. */
  readonly most: number;
};

/**
 * Milliseconds until the job starts; undefined while no worker of the pool has ended yet. The tenant gets its part by
 * weight of the cards that come free, among those that wait for them; each is held as long as of late.
 */
export function estimateWait(pool: Pool, { tenant, load, weight, most }: Line): number | undefined {
  if (pool.heldMs === undefined) return undefined;
  const part = weight / (weight + weightsOf(pool.balance?.rivals, tenant));
  const total = usableCards(pool);
  const width = Math.min(most, part * (total > 0 ? total : most));
  if (!Number.isFinite(width) || width <= 0) return undefined;
  const room = Math.min(part * freeCards(pool), most - loadOf(usedBy(pool, tenant)));
  return Math.round((Math.max(0, load - Math.max(0, room)) * pool.heldMs) / width);
}

/** The average forgets: after so many cards the first counts for less than half. */
const REMEMBERED_CARDS = 16;

function weightsOf(rivals: Balance["rivals"] = {}, self: TenantId): number {
  return Object.entries(rivals).reduce((sum, [tenant, weight]) => sum + (tenant === self ? 0 : weight), 0);
}
