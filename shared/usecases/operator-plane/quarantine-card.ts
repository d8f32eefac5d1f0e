// A card taken out of use by an operator, and given back.

import type { PoolName } from "../../domain/ids.ts";
import { liftedByHand, quarantinedByHand } from "../../domain/pool/card-trouble.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import type { Deps, PoolSettings } from "../deps.ts";
import { loadPool } from "../dispatch/dispatch-pool.ts";
import { lostRaces, updatePool } from "../update.ts";
import type { OperatorOutcome, Order } from "./pause-place.ts";
import { startWaiting } from "./pause-place.ts";

export type CardOrder = Order & {
  readonly pool: string;
  /** Its number in the pool, as `npu-smi` counts them on the machine. */
  readonly card: string;
  readonly action: "add" | "lift";
};

/** `add`: given to nobody from the next start on, until it is lifted; who holds it goes on. */
export async function quarantineCard(deps: Deps, order: CardOrder): Promise<OperatorOutcome> {
  const settings = deps.pools.get(order.pool as PoolName);
  if (settings === undefined) {
    const known = [...deps.pools.keys()].join(", ");
    return { type: "unknown", message: `there is no pool "${order.pool}"; known are ${known}` };
  }
  return order.action === "add" ? add(deps, settings, order) : lift(deps, settings, order);
}

async function add(deps: Deps, settings: PoolSettings, order: CardOrder): Promise<OperatorOutcome> {
  const { pool: name, card, reason, by } = order;
  if (!settings.driver.capabilities.namedCards) {
    const message = `pool ${name} places its workers itself: take the card or its node out of use there`;
    return { type: "refused", message };
  }
  const pool = await update(deps, settings, (current) =>
    isCardOf(current, card)
      ? quarantinedByHand(current, card, `${reason} (${by})`, deps.clock.now())
      : current,
  );
  if (!isCardOf(pool, card)) {
    return { type: "unknown", message: `pool ${name} has no card ${card}; it has 0 to ${pool.total - 1}` };
  }
  note(deps, order, "quarantined");
  const holder = Object.keys(pool.reservations).find((id) =>
    pool.reservations[id]?.slots.includes(Number(card)),
  );
  const held = holder === undefined ? "" : `; ${holder} holds it and goes on`;
  return {
    type: "done",
    message: `card ${card} of pool ${name} is given to nobody until it is lifted${held}`,
  };
}

async function lift(deps: Deps, settings: PoolSettings, order: CardOrder): Promise<OperatorOutcome> {
  const { pool: name, card } = order;
  let wasThere = false;
  await update(deps, settings, (current) => {
    wasThere = current.trouble?.[card] !== undefined;
    return liftedByHand(current, card);
  });
  if (!wasThere) {
    return { type: "done", message: `card ${card} of pool ${name} is not in quarantine: nothing is changed` };
  }
  note(deps, order, "lifted");
  await startWaiting(deps, [settings.name]);
  return { type: "done", message: `card ${card} of pool ${name} is in use again` };
}

function isCardOf(pool: Pool, card: string): boolean {
  return /^(0|[1-9]\d{0,5})$/.test(card) && Number(card) < pool.total;
}

/** The pool as it is then. Throws a retryable StoreError when other processes wrote it first again and again. */
async function update(deps: Deps, settings: PoolSettings, decide: (pool: Pool) => Pool): Promise<Pool> {
  const { name } = settings;
  await loadPool(deps, settings);
  const outcome = await updatePool(deps, name, decide);
  if (outcome.type === "done") return outcome.pool;
  throw lostRaces(`pool ${name}`);
}

function note(deps: Deps, { pool, card, reason, by }: CardOrder, what: string): void {
  deps.log.warn("operator-order", {
    pool,
    reason: what,
    message: `card ${card} ${what} by ${by}: ${reason}`,
  });
}
