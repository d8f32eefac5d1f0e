// The lanes of a pool whose tenants may start workers now.

import { DEFAULT_TENANT_SETTINGS, settingsOf } from "../../domain/admission/tenant.ts";
import type { PoolName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Lane } from "../../domain/pool/lane.ts";
import { laneKey } from "../../domain/pool/lane.ts";
import type { LaneView } from "../../domain/pool/scheduling.ts";
import type { Deps } from "../deps.ts";

/** With these heads. A read per lane: most lanes of a pool are empty, and need not be asked about. */
export async function openLanes(
  deps: Deps,
  lanes: readonly Pick<LaneView, "lane" | "heads">[],
): Promise<LaneView[]> {
  const views = await Promise.all(lanes.map(({ lane, heads }) => viewOf(deps, lane, heads)));
  return views.filter((view) => view !== undefined);
}

/** `hints`: jobs just written, whose lane may not be known yet. */
export async function knownLanes(deps: Deps, pool: PoolName, hints: readonly Job[]): Promise<Lane[]> {
  const lanes = new Map((await deps.stores.lanes.list(pool)).map((lane) => [laneKey(lane), lane]));
  for (const job of hints) {
    if (job.pool !== pool || job.github === undefined || lanes.has(laneKey(job))) continue;
    lanes.set(laneKey(job), laneOf(job));
  }
  return [...lanes.values()];
}

/** Whose lane it is, `/run` has said: an API job does not hold its tenant's login. */
export async function registerLane(deps: Deps, job: Job): Promise<void> {
  if (job.github === undefined) return;
  await deps.stores.lanes.register(laneOf(job));
  const { repository, installationId } = job.github;
  await deps.stores.repositories.saw({ ...repository, installationId, lastJobAt: job.createdAt });
}

function laneOf(job: Job): Lane {
  return { pool: job.pool, tenant: job.tenant, login: job.github?.repository.owner.login ?? "" };
}

async function viewOf(deps: Deps, lane: Lane, heads: LaneView["heads"]): Promise<LaneView | undefined> {
  const named = settingsOf(deps.tenants, { id: lane.tenant, login: lane.login });
  const tenant = await deps.stores.tenants.get(lane.tenant);
  if (tenant === undefined && named === undefined) await appear(deps, lane);
  const stopped = tenant?.state === "suspended" || tenant?.state === "removed";
  const approved = named !== undefined || tenant?.state === "approved";
  if (stopped || !approved) return undefined;
  const settings = named ?? { owner: lane.login, ...DEFAULT_TENANT_SETTINGS };
  const { weight, maxCards, maxWorkers } = settings;
  return { lane, weight, maxCards, maxWorkers, heads };
}

/** The installation's own event was lost: the operator sees the tenant as pending all the same. */
async function appear(deps: Deps, lane: Lane): Promise<void> {
  await deps.stores.tenants.create({
    id: lane.tenant,
    version: 1,
    login: lane.login,
    ownerType: "Organization",
    installationId: undefined,
    state: "pending",
    updatedAt: deps.clock.now(),
  });
  deps.log.warn("tenant-pending", {
    tenant: lane.login,
    message: `jobs of "${lane.login}" wait: add it under tenants: in dispatch.yaml to approve it`,
  });
}
