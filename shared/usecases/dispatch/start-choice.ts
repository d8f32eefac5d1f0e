// What a choice of starts in a pool goes by, beside the lanes.
import type { Pool } from "../../domain/pool/pool.ts";
import type { Choice } from "../../domain/pool/scheduling.ts";
import type { Deps, PoolSettings } from "../deps.ts";
import { healthyNodes } from "./pool-nodes.ts";

/** Starts of one round: enough to fill a large node at once, few enough to end well within the lock. */
export const ROUND_STARTS = 64;

export async function choiceIn(
  deps: Deps,
  settings: PoolSettings,
  seen: Pool,
  limit: number,
): Promise<Choice> {
  const nodes = await healthyNodes(deps, settings, seen);
  const cards = deps.catalogue.endpoints.filter(({ pool }) => pool === settings.name).map((one) => one.cards);
  const fewestCards = Math.min(...cards);
  const { namedCards } = settings.driver.capabilities;
  return { namedCards, limit, now: deps.clock.now(), fewestCards, nodes };
}

/** How many workers may start in one round, cards or not. */
export function placesIn({ maxWorkers }: PoolSettings, { reservations }: Pool): number {
  const places = (maxWorkers ?? Number.POSITIVE_INFINITY) - Object.keys(reservations).length;
  return Math.max(0, Math.min(ROUND_STARTS, places));
}
