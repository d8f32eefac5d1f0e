// Cards in trouble of a pool that has nodes: what is left of each node, and which nodes a worker is kept away from.
import type { Pool, PoolNode } from "./pool.ts";

export type AvoidedNodes = {
  /** A worker that is put there cannot do its work. */
  readonly never: readonly string[];
  /** Only where nothing else is free. */
  readonly rather: readonly string[];
};

/** The nodes without their cards in quarantine; which of these a worker holds just now the pool does not say. */
export function usableNodes(pool: Pool, nodes: readonly PoolNode[]): readonly PoolNode[] {
  const lost = quarantined(pool);
  if (lost.size === 0) return nodes;
  return nodes.map((node) => {
    const without = (cards: number) => Math.max(0, cards - (lost.get(node.name) ?? 0));
    return { name: node.name, total: without(node.total), free: without(node.free) };
  });
}

/** Cards in quarantine on nodes that are there. */
export function outOfUse(pool: Pool, nodes: readonly PoolNode[]): number {
  const lost = quarantined(pool);
  return nodes.reduce((sum, { name, total }) => sum + Math.min(total, lost.get(name) ?? 0), 0);
}

export function hasNodesInTrouble(pool: Pool): boolean {
  return inTrouble(pool, undefined).length > 0;
}

export type Demand = {
  readonly cards: number;
  /** Where workers of the same job have failed their preflight: never again while another node has room. */
  readonly failedOn?: readonly string[] | undefined;
  /** Kept for another job: never, unless nothing else is left. */
  readonly kept?: string | undefined;
};

/**
 * A node is out of the question when what is left of it is too small. What is kept may be waited for: the choice has
 * counted room elsewhere, and what is free just now may be counted too late. Undefined: any node will do.
 */
export function avoidedNodes(
  pool: Pool,
  nodes: readonly PoolNode[] | undefined,
  { cards, failedOn = [], kept }: Demand,
): AvoidedNodes | undefined {
  if (cards === 0) return undefined;
  const usable = usableNodes(pool, nodes ?? []);
  const lost = quarantined(pool);
  const tooSmall = usable.filter(({ name, total }) => lost.has(name) && total < cards).map(nameOf);
  const beside = (names: readonly string[]) => usable.filter(({ name }) => !names.includes(name));
  const unfit = [...tooSmall, ...failedOn];
  const ruledOut = beside(unfit).some(({ free }) => free >= cards) ? unfit : tooSmall;
  const others = kept === undefined ? ruledOut : [...ruledOut, kept];
  const never = unique(beside(others).some(({ total }) => total >= cards) ? others : ruledOut);
  const rather = unique([...failedOn, ...(kept === undefined ? [] : [kept]), ...inTrouble(pool, nodes)]);
  return listed({ never, rather: rather.filter((name) => !never.includes(name)) });
}

function listed(avoided: AvoidedNodes): AvoidedNodes | undefined {
  return avoided.never.length + avoided.rather.length === 0 ? undefined : avoided;
}

/** What a pool's trouble calls a card that the dispatcher does not name itself. */
export function cardOnNode(node: string, device: string): string {
  return `${node}/${device}`;
}

/** Undefined for a card that has a slot. */
function nodeOf(card: string): string | undefined {
  const at = card.lastIndexOf("/");
  return at < 0 ? undefined : card.slice(0, at);
}

/** Cards in quarantine by node. */
function quarantined({ trouble = {} }: Pool): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [card, { until }] of Object.entries(trouble)) {
    const node = nodeOf(card);
    if (node !== undefined && until !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

/** Of those that are avoided where possible: the scheduler reads the list for each node and each pod. */
const MAX_RATHER = 64;

/** Those that are there, the latest first: a pod names each of them. All, where the nodes could not be counted. */
function inTrouble({ trouble = {} }: Pool, nodes: readonly PoolNode[] | undefined): string[] {
  const there = nodes && new Set(nodes.map(nameOf));
  const names = Object.entries(trouble)
    .sort(([, one], [, other]) => other.lastAt - one.lastAt)
    .flatMap(([card]) => nodeOf(card) ?? []);
  return unique(names.filter((name) => there?.has(name) ?? true)).slice(0, MAX_RATHER);
}

function nameOf({ name }: PoolNode): string {
  return name;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
