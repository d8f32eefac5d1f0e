// Where every run plays: the owners and repositories, the pools with their endpoints, and the limits.
import type { EndpointTemplate } from "../../shared/domain/admission/endpoint.ts";
import { expandEndpoint } from "../../shared/domain/admission/endpoint.ts";
import type { Catalogue } from "../../shared/domain/admission/matching.ts";
import type { TenantSettings } from "../../shared/domain/admission/tenant.ts";
import { DEFAULT_TENANT_SETTINGS } from "../../shared/domain/admission/tenant.ts";
import type { Owner, WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { PoolName } from "../../shared/domain/ids.ts";
import { poolName } from "../../shared/domain/ids.ts";

const MINUTE = 60_000;

/** 2026-01-01T00:00:00Z. */
export const START = 1_767_225_600_000;
export const POOL = poolName("a2");
const CARDS = 8;
export const DEPLOYMENT = "s1mula";
export const EXECUTION_MS = 90 * MINUTE;
/** The longest deadline: a job in progress is asked about after six hours, and some tries around it. */
export const CALM_MS = 8 * 60 * MINUTE;
/** For jobs that nothing can start: GitHub gives them up after a day, and is asked about them an hour later. */
export const DAY_MS = 26 * 60 * MINUTE;

const ACME: Owner = { id: 4_711, login: "Acme", type: "Organization" };
const SOLO: Owner = { id: 4_712, login: "solo", type: "User" };

export const REPOSITORIES: readonly WorkflowJobWord["repository"][] = [
  { id: 81, owner: ACME, name: "kernels" },
  { id: 82, owner: ACME, name: "models" },
  { id: 83, owner: ACME, name: "ops" },
  { id: 84, owner: SOLO, name: "toys" },
];
/** Of the same organization, and the App is not installed there. */
export const FOREIGN = { id: 99, owner: ACME, name: "elsewhere" } as const;

const TENANTS: readonly TenantSettings[] = [
  { ...DEFAULT_TENANT_SETTINGS, owner: ACME.login, weight: 2 },
  { ...DEFAULT_TENANT_SETTINGS, owner: SOLO.login, maxCards: 4 },
];

export type ScenePool = {
  readonly name: PoolName;
  /** In all. They are numbered where it has no nodes. */
  readonly cards: number;
  readonly nodes: readonly { readonly name: string; readonly total: number }[] | undefined;
  readonly maxWorkers: number | undefined;
};

const NODES = [
  { name: "node-1", total: 8 },
  { name: "node-2", total: 4 },
];
/** Room for hundreds of workers at once. */
const WIDE_NODES = Array.from({ length: 40 }, (_, at) => ({ name: `wide-${at + 1}`, total: 8 }));
/** Those that a run may have beside the pool of numbered cards. */
const OTHER_POOLS = {
  nodes: { name: poolName("a3"), cards: 12, nodes: NODES, maxWorkers: undefined },
  wide: { name: poolName("a4"), cards: 8 * WIDE_NODES.length, nodes: WIDE_NODES, maxWorkers: undefined },
  none: { name: poolName("cpu"), cards: 0, nodes: undefined, maxWorkers: 6 },
} as const satisfies { readonly [kind: string]: ScenePool };
export type OtherPool = keyof typeof OTHER_POOLS;

/** What differs between the runs of faults and those of fairness. */
export type Scene = {
  /** Of the pool of numbered cards. */
  readonly cards: number;
  readonly tenants: readonly TenantSettings[];
  readonly others?: readonly ScenePool[];
};

export function sceneWith(others: readonly OtherPool[]): Scene {
  return { cards: CARDS, tenants: TENANTS, others: others.map((kind) => OTHER_POOLS[kind]) };
}

/** Where hundreds of jobs at once have room. */
export const WIDE = OTHER_POOLS.wide.name;

export function poolsOf({ cards, others = [] }: Scene): ScenePool[] {
  return [{ name: POOL, cards, nodes: undefined, maxWorkers: undefined }, ...others];
}

/** The tenant's own cards in each pool. */
export function maxCardsOf(login: string): number | undefined {
  return TENANTS.find(({ owner }) => owner === login)?.maxCards;
}

const COUNTS = [1, 2, 4, 8];
const TEMPLATE: Omit<EndpointTemplate, "name" | "selector" | "pool"> = {
  labels: ["npu"],
  cards: undefined,
  counts: COUNTS,
  startedBy: "webhook",
  registration: "auto",
  defaultLabels: false,
  image: "quay.io/ascend/cann:8.5.0-910b-ubuntu22.04-py3.11",
  command: undefined,
  containerImages: [],
  limits: { executionMs: EXECUTION_MS, idleMs: 5 * MINUTE, warmMs: 5 * MINUTE, bootMs: 15 * MINUTE },
};

/** What the API starts in a pool: a runner for the steps of a workflow, or a program that takes one job after the other. */
export type Asked = "steps" | "program";

export function askedEndpoint(pool: PoolName, asked: Asked): string {
  return `${pool}-${asked}`;
}

export function catalogueOf(pools: readonly ScenePool[]): Catalogue {
  const templates = pools.flatMap(templatesOf);
  return { templates, endpoints: templates.flatMap(expandEndpoint) };
}

function templatesOf({ name: pool, cards }: ScenePool): EndpointTemplate[] {
  const [selector = ""] = labelsFor("{npus}", pool);
  const one = { ...TEMPLATE, pool, counts: [], cards: Math.min(1, cards), startedBy: "api" as const };
  const [steps, program] = [askedEndpoint(pool, "steps"), askedEndpoint(pool, "program")];
  return [
    cards === 0
      ? { ...one, name: selector, selector, startedBy: "webhook" }
      : { ...TEMPLATE, pool, name: selector, selector },
    { ...one, name: steps, selector: steps },
    { ...one, name: program, selector: program, command: ["python3", "handler.py"] },
  ];
}

/** It asks for more cards than its owner may have: nothing will start it. */
export function isBeyondQuota({
  labels,
  repository,
}: Pick<WorkflowJobWord, "labels" | "repository">): boolean {
  const maxCards = maxCardsOf(repository.owner.login);
  const asked = COUNTS.find((cards) => labels[0]?.endsWith(`-${cards}`));
  return maxCards !== undefined && asked !== undefined && asked > maxCards;
}

/** A pool without cards has one endpoint for all. */
export function labelsFor(cards: number | string, pool: PoolName = POOL): string[] {
  return [pool === OTHER_POOLS.none.name ? `linux-aarch64-${pool}` : `linux-aarch64-${pool}-${cards}`, "NPU"];
}
