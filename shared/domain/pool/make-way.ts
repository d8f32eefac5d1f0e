// Which idle programs are to end, so that a job that waits can have their places.
import type { JobId, WorkerId } from "../ids.ts";
import type { Pool, PoolNode } from "./pool.ts";
import { release } from "./pool.ts";
import type { Choice, LaneView, Start } from "./scheduling.ts";
import { chooseStarts } from "./scheduling.ts";

/** A worker that may go. `node`: where it was planned, if its pool has nodes. */
export type Place = { readonly id: WorkerId; readonly cards: number; readonly node: string | undefined };

export type Ledger = {
  readonly pool: Pool;
  readonly lanes: readonly LaneView[];
  readonly choice: Choice;
  /** How many may start beside those that hold a place. */
  readonly places: (pool: Pool) => number;
  /** Workers that have ended, and whose places come back by themselves. */
  readonly leaving: readonly Place[];
};

/**
 * As few as let more jobs start than without them, in the order that they are given in. `isItsOwn`: the job would be given
 * to one of the workers that are there; none is ended for it.
 */
export function chooseLeavers(
  ledger: Ledger,
  idle: readonly Place[],
  isItsOwn: (job: JobId) => boolean,
): WorkerId[] {
  const chosen: Place[] = [];
  let together: Place[] = [];
  let before = startsWithout(ledger, []);
  const isWorthIt = (starts: readonly Start[]) =>
    starts.length > before.length && !starts.some(({ jobId }) => isItsOwn(jobId));
  for (const place of idle) {
    const tries = together.length === 0 ? [[place]] : [[place], [...together, place]];
    const found = tries.find((group) => isWorthIt(startsWithout(ledger, [...chosen, ...group])));
    if (found === undefined) {
      together = [...together, place];
      continue;
    }
    chosen.push(...found);
    together = together.filter((one) => !found.includes(one));
    before = startsWithout(ledger, chosen);
  }
  return chosen.map(({ id }) => id);
}

function startsWithout({ pool, lanes, choice, places, leaving }: Ledger, gone: readonly Place[]): Start[] {
  const away = [...leaving, ...gone];
  const freed = away.reduce((left, { id }) => release(left, id, choice.now), pool);
  const nodes = choice.nodes?.map((node) => withCardsOf(node, away));
  return chooseStarts(freed, lanes, { ...choice, nodes, limit: places(freed) });
}

function withCardsOf(node: PoolNode, away: readonly Place[]): PoolNode {
  const cards = away.filter((place) => place.node === node.name).reduce((sum, one) => sum + one.cards, 0);
  return { ...node, free: Math.min(node.total, node.free + cards) };
}
