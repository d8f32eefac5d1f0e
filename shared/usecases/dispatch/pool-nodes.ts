// The nodes of a pool that has nodes, with what may be given away of them; advice only.
import { hasNodesInTrouble, outOfUse, usableNodes } from "../../domain/pool/node-trouble.ts";
import type { Pool, PoolNode } from "../../domain/pool/pool.ts";
import type { Machines } from "../../domain/waiting/wait-view.ts";
import type { PoolCapacity } from "../../ports/pool-driver.ts";
import type { Deps, PoolSettings } from "../deps.ts";

/** What a large job asks of a pool's machines. Undefined: it has none, or they cannot be counted now. */
export async function machinesOf(
  deps: Pick<Deps, "log" | "pools">,
  pool: Pool,
): Promise<Machines | undefined> {
  const settings = deps.pools.get(pool.name);
  const counted = settings === undefined ? undefined : await countNodes(deps, settings);
  if (counted?.nodes === undefined) return undefined;
  const most = (nodes: readonly PoolNode[]) => Math.max(0, ...nodes.map(({ total }) => total));
  const { nodes, resting = [] } = counted;
  const away = new Set(resting.map(({ name }) => name));
  const inService = nodes.filter(({ name }) => !away.has(name));
  return { largest: most(usableNodes(pool, inService)), whole: most(inService), resting };
}

/** A pool that cannot be counted now says why at the first start, and its jobs wait with these words. */
export async function poolNodes(
  deps: Pick<Deps, "log">,
  settings: Pick<PoolSettings, "name" | "driver">,
): Promise<readonly PoolNode[] | undefined> {
  return (await countNodes(deps, settings))?.nodes;
}

async function countNodes(
  deps: Pick<Deps, "log">,
  { name, driver }: Pick<PoolSettings, "name" | "driver">,
): Promise<PoolCapacity | undefined> {
  if (driver.capabilities.nodes !== true) return undefined;
  try {
    return await driver.capacity();
  } catch (error) {
    deps.log.warn("pool-not-counted", { pool: name, error });
    return undefined;
  }
}

/** Without their cards in quarantine. */
export async function healthyNodes(
  deps: Pick<Deps, "log">,
  settings: Pick<PoolSettings, "name" | "driver">,
  pool: Pool,
): Promise<readonly PoolNode[] | undefined> {
  const nodes = await poolNodes(deps, settings);
  return nodes === undefined ? undefined : usableNodes(pool, nodes);
}

/** Cards that the pool has and gives to nobody, beside those that it names by slot. */
export async function cardsOutOfUse(
  deps: Pick<Deps, "log" | "pools">,
  pool: Pool | undefined,
): Promise<number> {
  const settings = pool === undefined ? undefined : deps.pools.get(pool.name);
  if (pool === undefined || settings === undefined || !hasNodesInTrouble(pool)) return 0;
  return outOfUse(pool, (await poolNodes(deps, settings)) ?? []);
}
