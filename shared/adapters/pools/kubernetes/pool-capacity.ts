// How many cards a pool has: counted on the nodes, bounded by the configuration, which also stands in for what cannot be
// seen.
import type { V1Pod } from "@kubernetes/client-node";
import type { EpochMs } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { PoolCapacity } from "../../../ports/pool-driver.ts";
import { ApiFault } from "./api-fault.ts";
import type { Cluster } from "./cluster.ts";
import { type Owner, ownerLabels } from "./names.ts";
import { type CardCount, nodeCards, restingNodes } from "./node-cards.ts";
import type { KubernetesSettings } from "./settings.ts";
import { isRbacDenial } from "./start-outcome.ts";

export type CapacityDeps = {
  readonly settings: KubernetesSettings;
  readonly owner: Owner;
  readonly cluster: Pick<Cluster, "nodes" | "placedPods">;
  readonly clock: Clock;
  readonly log: Log;
};

/** Counting reads every pod of the cluster: dispatch passes that follow each other share one count. */
const FRESH_MS = 10_000;

export type Capacity = {
  /**
   * Throws only when it has never been counted and the configuration says no number. A cluster that is away leaves the
   * last count: the cards are still there, and a start will say that it is away.
   */
  count(): Promise<PoolCapacity>;
  /** Cards have become free: the next call counts anew, whatever count is under way. */
  forget(): void;
};

export function createCapacity(deps: CapacityDeps): Capacity {
  let last: PoolCapacity | undefined;
  let freshUntil: EpochMs = 0;
  let counting: Promise<PoolCapacity> | undefined;

  return { count, forget };

  async function count(): Promise<PoolCapacity> {
    if (last !== undefined && deps.clock.now() < freshUntil) return last;
    try {
      return await countOnce();
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      return withoutCount(error, last, deps);
    }
  }

  async function countOnce(): Promise<PoolCapacity> {
    counting ??= countCards(deps);
    const own = counting;
    try {
      const capacity = await own;
      if (own === counting) {
        last = capacity;
        freshUntil = deps.clock.now() + FRESH_MS;
      }
      return capacity;
    } finally {
      if (own === counting) counting = undefined;
    }
  }

  function forget(): void {
    freshUntil = 0;
    counting = undefined;
  }
}

async function countCards({ settings, owner, cluster }: CapacityDeps): Promise<PoolCapacity> {
  const [nodes, pods] = await Promise.all([cluster.nodes(), cluster.placedPods()]);
  const cards = cardCount(settings, owner);
  const found = nodeCards(nodes, pods, cards);
  const sum = found.reduce((so, node) => so + node.total, 0);
  const total = settings.cards === "auto" ? sum : Math.min(sum, settings.cards);
  const most = settings.cards === "auto" ? Number.POSITIVE_INFINITY : settings.cards;
  const resting = restingNodes(nodes, cards).map((node) => ({ ...node, cards: Math.min(node.cards, most) }));
  return { total, simulated: false, nodes: found, resting };
}

function withoutCount(
  fault: ApiFault,
  last: PoolCapacity | undefined,
  { settings, log }: CapacityDeps,
): PoolCapacity {
  if (last !== undefined) {
    log.warn("capacity-not-counted", { pool: settings.name, cards: last.total, error: fault });
    return last;
  }
  if (settings.cards !== "auto") return { total: settings.cards, simulated: false };
  if (!isRbacDenial(fault)) throw fault;
  throw new Error(
    `Pool ${settings.name} may not list nodes and pods, so its cards cannot be counted. Set cards to their number, or bind the ClusterRole of deploy/kubernetes.`,
    { cause: fault },
  );
}

function cardCount({ resource, nodeSelector, tolerations }: KubernetesSettings, owner: Owner): CardCount {
  const ours = Object.entries(ownerLabels(owner));
  return {
    resource: resource?.name ?? "cpu",
    units: resource?.units ?? 1,
    nodeSelector,
    tolerations: tolerations.map(({ key, operator, value, effect }) => ({
      ...(key !== undefined && { key }),
      ...(operator !== undefined && { operator }),
      ...(value !== undefined && { value }),
      ...(effect !== undefined && { effect }),
    })),
    isOurs: ({ metadata }: V1Pod) => ours.every(([key, value]) => metadata?.labels?.[key] === value),
  };
}
