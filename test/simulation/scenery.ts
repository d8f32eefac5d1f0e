// Where every run plays: the owners and repositories, the endpoints of one pool of eight cards, and its limits.
import type { EndpointTemplate } from "../../shared/domain/endpoint.ts";
import { expandEndpoint } from "../../shared/domain/endpoint.ts";
import type { Owner, WorkflowJobWord } from "../../shared/domain/github-event.ts";
import { poolName } from "../../shared/domain/ids.ts";
import type { Catalogue } from "../../shared/domain/matching.ts";
import type { TenantSettings } from "../../shared/domain/tenant.ts";
import { DEFAULT_TENANT_SETTINGS } from "../../shared/domain/tenant.ts";

const MINUTE = 60_000;

/** 2026-01-01T00:00:00Z. */
export const START = 1_767_225_600_000;
export const POOL = poolName("a2");
const CARDS = 8;
export const DEPLOYMENT = "s1mula";
export const EXECUTION_MS = 90 * MINUTE;
/** The longest deadline: a job in progress is asked about after six hours, and some tries around it. */
export const CALM_MS = 8 * 60 * MINUTE;

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

/** What differs between the runs of faults and those of fairness. */
export type Scene = { readonly cards: number; readonly tenants: readonly TenantSettings[] };
export const SCENE: Scene = { cards: CARDS, tenants: TENANTS };

const TEMPLATE: EndpointTemplate = {
  name: "linux-aarch64-a2-{npus}",
  selector: "linux-aarch64-a2-{npus}",
  labels: ["npu"],
  pool: POOL,
  cards: undefined,
  counts: [1, 2, 4, 8],
  startedBy: "webhook",
  registration: "auto",
  defaultLabels: false,
  image: "quay.io/ascend/cann:8.5.0-910b-ubuntu22.04-py3.11",
  command: undefined,
  containerImages: [],
  limits: { executionMs: EXECUTION_MS, idleMs: 5 * MINUTE, bootMs: 15 * MINUTE },
};

export const CATALOGUE: Catalogue = { templates: [TEMPLATE], endpoints: expandEndpoint(TEMPLATE) };

/** It asks for more cards than its owner may have: nothing will start it. */
export function isBeyondQuota({
  labels,
  repository,
}: Pick<WorkflowJobWord, "labels" | "repository">): boolean {
  const maxCards = TENANTS.find(({ owner }) => owner === repository.owner.login)?.maxCards;
  return (
    maxCards !== undefined &&
    [1, 2, 4, 8].some((cards) => cards > maxCards && labels[0] === labelsFor(cards)[0])
  );
}

export function labelsFor(cards: number): string[] {
  return [`linux-aarch64-a2-${cards}`, "NPU"];
}
