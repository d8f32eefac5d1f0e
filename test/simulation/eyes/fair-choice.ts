// Invariant 6, read a second time and as plainly as it is written: who may start before whom, given what a pass has read.

import { AGING_MS } from "../../../shared/domain/deadlines.ts";
import type { EpochMs, JobId, TenantId } from "../../../shared/domain/ids.ts";
import { correctionOf } from "../../../shared/domain/pool/balance.ts";
import { waitingSince } from "../../../shared/domain/pool/lane.ts";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import { balanced, freeCards, usableCards, usedBy } from "../../../shared/domain/pool/pool.ts";
import type { JobHead } from "../../../shared/ports/store.ts";

export type SeenLane = {
  readonly tenant: TenantId;
  readonly weight: number;
  readonly maxCards: number;
  readonly maxWorkers: number;
  /** In the lane's order. */
  readonly heads: readonly JobHead[];
  /** Its runners cannot register now: others pass. */
  readonly isHeldBack: boolean;
};

export type Decision = {
  /** As it was when the choice was made. */
  readonly pool: Pool;
  readonly now: EpochMs;
  readonly lanes: readonly SeenLane[];
  /** Who was chosen, in this order. */
  readonly chosen: readonly JobId[];
};

type Standing = {
  readonly lane: SeenLane;
  readonly share: number;
  /** The next of the lane that could ever start and is not beyond its quota now. */
  readonly next: JobHead | undefined;
};

/** What is wrong with a decision, for people; undefined: it is fair. For pools without nodes. */
export function findUnfair(decision: Decision): string | undefined {
  for (const [at, id] of decision.chosen.entries()) {
    const wrong = judge(decision, decision.chosen.slice(0, at), id);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function judge(decision: Decision, before: readonly JobId[], id: JobId): string | undefined {
  const standings = decision.lanes.map((lane) => standingOf(decision, lane, before));
  const winner = standings.find(({ lane }) => lane.heads.some((head) => head.id === id));
  if (winner === undefined) return `${id} was chosen, and no lane has it`;
  if (winner.next?.id !== id)
    return `${id} was chosen before ${winner.next?.id ?? "its tenant had room"}, of the same lane`;
  const free = freeCards(decision.pool) - cardsOf(decision.lanes, before);
  const smaller = standings.filter(({ lane, share }) => !lane.isHeldBack && share < winner.share);
  const waiting = smaller.flatMap(({ share, next }) => (next === undefined ? [] : [{ share, next }]));
  const keepers = waiting.filter(({ next }) => next.cards > free && isAged(next, decision.now));
  const [keeper] = keepers;
  if (keeper !== undefined && winner.next.cards > 0)
    return `${id} (share ${winner.share}) got cards set aside for ${keeper.next.id} (share ${keeper.share}), which has waited too long`;
  const passed = waiting.find(({ next }) => next.cards <= free);
  if (passed === undefined) return undefined;
  return `${id} (share ${winner.share}) came before ${passed.next.id} (share ${passed.share}), which fits into ${free}`;
}

function standingOf({ pool, lanes, now }: Decision, lane: SeenLane, before: readonly JobId[]): Standing {
  const own = lane.heads.filter((head) => before.includes(head.id));
  const held = usedBy(pool, lane.tenant);
  const cards =
    held.cards +
    cardsOf(
      lanes,
      own.map(({ id }) => id),
    );
  const workers = held.workers + own.length;
  const largest = Math.min(usableCards(pool), lane.maxCards);
  const next = lane.heads.find((head) => !before.includes(head.id) && head.cards <= largest);
  const isWithinQuota =
    next !== undefined && cards + next.cards <= lane.maxCards && workers < lane.maxWorkers;
  const due = correctionOf(balanced(pool, now).balance, lane.tenant);
  const share = (Math.max(cards, workers) + due) / lane.weight;
  return { lane, share, next: isWithinQuota ? next : undefined };
}

function cardsOf(lanes: readonly SeenLane[], ids: readonly JobId[]): number {
  const heads = lanes.flatMap((lane) => lane.heads);
  return ids.reduce((sum, id) => sum + (heads.find((head) => head.id === id)?.cards ?? 0), 0);
}

function isAged(head: JobHead, now: EpochMs): boolean {
  return now - waitingSince(head.order) >= AGING_MS;
}
