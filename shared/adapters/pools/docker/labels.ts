// What a container says about its worker: everything that a dispatcher without a memory needs to take it over.
import { parseWorkerId, type WorkerId } from "../../../domain/ids.ts";
import type { StartSpec } from "../../../ports/pool-driver.ts";

/** Whose containers: two dispatchers, or two pools of one, may share an engine. */
export type Owner = { readonly deployment: string; readonly pool: string };

export type LabelMap = { readonly [name: string]: string };

const PREFIX = "npu-dispatch";
const LABEL = {
  deployment: `${PREFIX}.deployment`,
  pool: `${PREFIX}.pool`,
  worker: `${PREFIX}.worker`,
  endpoint: `${PREFIX}.endpoint`,
  tenant: `${PREFIX}.tenant`,
  owner: `${PREFIX}.owner`,
  repository: `${PREFIX}.repository`,
  cards: `${PREFIX}.cards`,
  slots: `${PREFIX}.slots`,
  devices: `${PREFIX}.devices`,
  deadline: `${PREFIX}.deadline`,
  role: `${PREFIX}.role`,
} as const;

/** `deadlineAt`: epoch ms on the dispatcher's clock; `devices`: device numbers of its cards. */
export function labelsOf(
  spec: StartSpec,
  more: { readonly owner: Owner; readonly devices: readonly number[]; readonly deadlineAt: number },
): LabelMap {
  return {
    [LABEL.deployment]: more.owner.deployment,
    [LABEL.pool]: more.owner.pool,
    [LABEL.worker]: spec.workerId,
    [LABEL.endpoint]: spec.endpoint,
    [LABEL.tenant]: spec.tenant,
    ...(spec.owner !== undefined && { [LABEL.owner]: spec.owner }),
    ...(spec.repository !== undefined && { [LABEL.repository]: spec.repository }),
    [LABEL.cards]: String(spec.cards),
    [LABEL.slots]: spec.slots.join(),
    [LABEL.devices]: more.devices.join(),
    [LABEL.deadline]: String(more.deadlineAt),
  };
}

/** Of the container that builds images beside a worker. */
export function builderLabels(
  spec: Pick<StartSpec, "workerId" | "endpoint" | "tenant">,
  owner: Owner,
): LabelMap {
  return {
    [LABEL.deployment]: owner.deployment,
    [LABEL.pool]: owner.pool,
    [LABEL.worker]: spec.workerId,
    [LABEL.endpoint]: spec.endpoint,
    [LABEL.tenant]: spec.tenant,
    [LABEL.role]: BUILDER,
  };
}

const BUILDER = "builder";

export function isBuilder(labels: LabelMap): boolean {
  return labels[LABEL.role] === BUILDER;
}

/** The `filters` of a list: only this dispatcher's containers of this pool. */
export function ownFilter({ deployment, pool }: Owner): { readonly label: string[] } {
  return { label: [`${LABEL.deployment}=${deployment}`, `${LABEL.pool}=${pool}`] };
}

export function isOwn(labels: LabelMap, { deployment, pool }: Owner): boolean {
  return labels[LABEL.deployment] === deployment && labels[LABEL.pool] === pool;
}

export function workerIn(labels: LabelMap): WorkerId | undefined {
  return parseWorkerId(labels[LABEL.worker] ?? "");
}

/** Physical numbers of its cards; undefined for a worker without any. */
export function devicesIn(labels: LabelMap): string[] | undefined {
  return labels[LABEL.devices] ? labels[LABEL.devices]?.split(",") : undefined;
}

/** Their indices in the pool; undefined for a worker without any. */
export function slotsIn(labels: LabelMap): number[] | undefined {
  const slots = labels[LABEL.slots]?.split(",").map((text) => Number(text || Number.NaN));
  return slots?.every(Number.isInteger) ? slots : undefined;
}

/** Undefined where somebody removed it: such a container has no limit of its own. */
export function deadlineIn(labels: LabelMap): number | undefined {
  const at = Number(labels[LABEL.deadline] || Number.NaN);
  return Number.isFinite(at) ? at : undefined;
}
