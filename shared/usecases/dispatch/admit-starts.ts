// Keeps a dispatch pass from starting workers that could not register their runners.

import type { EpochMs, TenantId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import type { LaneView, Start } from "../../domain/pool/scheduling.ts";
import { GRANT_MS } from "../../domain/upkeep/github-budget.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { kindFor } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { grantRegistrations, registrationsLeft, returnRegistrations } from "./grant-registrations.ts";

/** A decision with its job, as it was read just now. */
type Candidate = { readonly start: Start; readonly job: Job };

type Admitted = {
  readonly candidates: readonly Candidate[];
  /** Their jobs wait for a registration of their owner's, and keep their place. */
  readonly heldBack: readonly Start[];
  readonly grantedAt: EpochMs;
};

/**
 * Cuts each lane at the first job whose worker could not register now, so that the cards go to others. Costs a read per
 * lane, and only where registrations run short one for each of the lane's heads: not all jobs need one.
 */
export async function registrableLanes(deps: Deps, lanes: readonly LaneView[]): Promise<LaneView[]> {
  return await Promise.all(
    lanes.map(async (view) => {
      if (view.heads.length === 0) return view;
      const { left } = await registrationsLeft(deps, view.lane.tenant);
      return left >= view.heads.length ? view : await cut(deps, view, left);
    }),
  );
}

async function cut(deps: Deps, view: LaneView, left: number): Promise<LaneView> {
  const jobs = await Promise.all(view.heads.map((head) => deps.stores.jobs.get(head.id)));
  let needed = 0;
  const end = jobs.findIndex((job) => {
    if (job !== undefined && needsRegistration(job)) needed += 1;
    return needed > left;
  });
  return end === -1 ? view : { ...view, heads: view.heads.slice(0, end) };
}

/** Grants what these starts need: one write per owner. What is no longer waiting is left out. */
export async function admitStarts(deps: Deps, starts: readonly Start[]): Promise<Admitted> {
  const grantedAt = deps.clock.now();
  const waiting = (await Promise.all(starts.map((start) => load(deps, start)))).filter(
    (one) => one !== undefined,
  );
  const wanted = countByOwner(waiting);
  const left = new Map(
    await Promise.all([...wanted].map(async ([owner, n]) => [owner, await grant(deps, owner, n)] as const)),
  );
  const candidates: Candidate[] = [];
  const heldBack: Start[] = [];
  for (const one of waiting) {
    const { tenant } = one.start;
    const has = left.get(tenant) ?? 0;
    if (needsRegistration(one.job) && has === 0) heldBack.push(one.start);
    else candidates.push(one);
    if (needsRegistration(one.job)) left.set(tenant, Math.max(0, has - 1));
  }
  return { candidates, heldBack, grantedAt };
}

/** Gives back what was granted for workers that did not start. `started`: those that did. */
export async function returnUnused(
  deps: Deps,
  { candidates, grantedAt }: Admitted,
  started: readonly Job[],
): Promise<void> {
  const ids = new Set(started.map((job) => job.id));
  const unused = countByOwner(candidates.filter(({ job }) => !ids.has(job.id)));
  await Promise.all(
    [...unused].map(([owner, count]) => returnRegistrations(deps, owner, { count, grantedAt })),
  );
}

/**
 * A worker asks for its registration: until when it must wait, undefined when it may register now. The grant that it was
 * started with is good for GRANT_MS. After a long pull or preflight it is moved to now, at the first ask; at a later one
 * it may have been used, so that a new one is taken.
 */
export async function registrationTurn(
  deps: Deps,
  worker: Worker,
  ask: { readonly first: boolean },
): Promise<EpochMs | undefined> {
  if (deps.clock.now() - worker.createdAt <= GRANT_MS) return undefined;
  const insteadOf = ask.first ? worker.createdAt : undefined;
  const { granted, again } = await grantRegistrations(deps, worker.tenant, 1, insteadOf);
  return granted === 1 ? undefined : again;
}

async function load(deps: Deps, start: Start): Promise<Candidate | undefined> {
  const job = await deps.stores.jobs.get(start.jobId);
  return job !== undefined && isWaiting(job) ? { start, job } : undefined;
}

async function grant(deps: Deps, owner: TenantId, wanted: number): Promise<number> {
  const { granted, again } = await grantRegistrations(deps, owner, wanted);
  if (again !== undefined) {
    const ms = again - deps.clock.now();
    const message = `GitHub registers 1,500 runners of one owner in 5 minutes: further jobs of ${owner} wait ${Math.ceil(ms / 1_000)} s`;
    deps.log.warn("registrations-used-up", { tenant: owner, count: granted, ms, message });
  }
  return granted;
}

function countByOwner(candidates: readonly Candidate[]): Map<TenantId, number> {
  const counts = new Map<TenantId, number>();
  for (const { start, job } of candidates) {
    if (needsRegistration(job)) counts.set(start.tenant, (counts.get(start.tenant) ?? 0) + 1);
  }
  return counts;
}

/** A program has no runner. */
function needsRegistration(job: Job): boolean {
  return kindFor(job) !== "program";
}
