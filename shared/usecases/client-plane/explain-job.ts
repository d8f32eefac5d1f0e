// Gathers what `whyWaiting` needs to know of a job: nothing for one that is held, runs or has ended, else a few reads.

import { pauseOf } from "../../domain/admission/pauses.ts";
import { settingsOf } from "../../domain/admission/tenant.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Job, Phase } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { laneOrder } from "../../domain/pool/lane.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import { freeCards, usableCards, usedBy } from "../../domain/pool/pool.ts";
import { awayFrom, outageOf } from "../../domain/pool/pool-gate.ts";
import type { Line } from "../../domain/pool/wait-estimate.ts";
import { estimateWait } from "../../domain/pool/wait-estimate.ts";
import type {
  GithubRoom,
  Machines,
  PoolView,
  TenantView,
  WaitView,
  WhyWaiting,
} from "../../domain/waiting/wait-view.ts";
import { MAX_AHEAD } from "../../domain/waiting/wait-view.ts";
import { phaseOf, whyWaiting } from "../../domain/waiting/why-waiting.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { JobHead } from "../../ports/store.ts";
import type { Deps } from "../deps.ts";
import { endpointOf } from "../deps.ts";
import { registrationsLeft } from "../dispatch/grant-registrations.ts";
import { readPauses } from "../dispatch/pause-gate.ts";
import { cardsOutOfUse, machinesOf } from "../dispatch/pool-nodes.ts";

export type Explained = {
  readonly phase: Phase;
  /** Undefined for a job that has ended, or runs on its worker. */
  readonly whyWaiting: WhyWaiting | undefined;
};

/** `login`: of the job's owner, where the job itself does not name it (an API job does not). */
export async function explainJob(deps: Deps, job: Job, login: string): Promise<Explained> {
  const now = deps.clock.now();
  const limits = endpointOf(deps, job.endpoint)?.limits;
  const known = { now, job, limits };
  const view: WaitView = { ...known, ...(await surroundingsOf(deps, job, login)) };
  return { phase: phaseOf(job, view.worker), whyWaiting: whyWaiting(view) };
}

async function surroundingsOf(deps: Deps, job: Job, login: string): Promise<Partial<WaitView>> {
  if (isTerminal(job) || job.hold !== undefined) return {};
  if (job.workerId === undefined) return surroundingsInQueue(deps, job, login);
  const worker = await deps.stores.workers.get(job.workerId);
  return {
    worker,
    ...(worker?.state === "starting" && (await waitsOf(deps, worker))),
    github: worker?.state === "booted" && worker.kind !== "program" ? await githubRoom(deps, job) : undefined,
  };
}

async function surroundingsInQueue(deps: Deps, job: Job, login: string): Promise<Partial<WaitView>> {
  const [tenant, pool, pauses, before, github] = await Promise.all([
    tenantView(deps, job, login),
    deps.stores.pools.get(job.pool),
    readPauses(deps),
    headsBefore(deps, job),
    job.github === undefined && job.api?.runner === undefined ? undefined : githubRoom(deps, job),
  ]);
  const { pool: name, tenant: owner, endpoint } = job;
  const paused = pauseOf(pauses, { pool: name, tenant: owner, endpoint });
  const lost = (await within(INSPECT_MS, cardsOutOfUse(deps, pool))) ?? 0;
  // One card fits wherever there is one.
  const machines = pool && job.cards > 1 ? await within(INSPECT_MS, machinesOf(deps, pool)) : undefined;
  const waitMs = pool && estimateWait(pool, lineOf(deps, job, { tenant, before }));
  return {
    tenant,
    ahead: before.length,
    waitMs,
    github,
    paused,
    pool: poolView(deps, job, { pool, lost, machines }),
  };
}

/** As lanes are opened: named in dispatch.yaml or approved, and neither suspended nor removed at GitHub. */
async function tenantView(deps: Deps, job: Job, callerLogin: string): Promise<TenantView> {
  const login = job.github?.repository.owner.login ?? callerLogin;
  const settings = settingsOf(deps.tenants, { id: job.tenant, login });
  const stored = (await deps.stores.tenants.get(job.tenant))?.state ?? "pending";
  const state = settings !== undefined && stored === "pending" ? "approved" : stored;
  return {
    login,
    state,
    maxCards: settings?.maxCards,
    maxWorkers: settings?.maxWorkers,
  };
}

type Counted = {
  readonly pool: Pool | undefined;
  /** Of its cards, on nodes, in quarantine. */
  readonly lost: number;
  readonly machines: Machines | undefined;
};

function poolView(deps: Deps, job: Job, { pool, lost, machines }: Counted): PoolView | undefined {
  const settings = deps.pools.get(job.pool);
  if (settings === undefined) return undefined;
  return {
    name: job.pool,
    counted: pool !== undefined,
    total: pool?.total ?? job.cards,
    usable: pool === undefined ? job.cards : Math.max(0, usableCards(pool) - lost),
    free: pool === undefined ? job.cards : Math.max(0, freeCards(pool) - lost),
    machines,
    workers: Object.keys(pool?.reservations ?? {}).length,
    maxWorkers: settings.maxWorkers,
    ofTenant: pool === undefined ? { cards: 0, workers: 0 } : usedBy(pool, job.tenant),
    ...awayOf(deps, job, pool),
  };
}

function awayOf({ clock }: Deps, { tenant }: Job, pool: Pool | undefined) {
  const now = clock.now();
  const whole = pool && outageOf(pool, now);
  if (whole !== undefined) {
    const { until, since: at } = whole;
    // To the second.
    const since = at === undefined ? undefined : { at, iso: `${new Date(at).toISOString().slice(0, 19)}Z` };
    return { unavailableUntil: until, unavailableSince: since, unavailableWhy: pool?.unavailableWhy };
  }
  const own = pool && awayFrom(pool, tenant, now);
  return { unavailableUntil: own?.until, unavailableWhy: own?.why };
}

/** By the order, so that an index which does not show the job yet still tells its place. */
async function headsBefore(deps: Deps, job: Job): Promise<JobHead[]> {
  const heads = await deps.stores.jobs.heads(job, MAX_AHEAD + 1);
  const own = laneOrder(job);
  return heads.filter(({ order }) => order < own);
}

type Place = { readonly tenant: TenantView; readonly before: readonly JobHead[] };

function lineOf(deps: Deps, job: Job, { tenant, before }: Place): Line {
  const { login, maxCards = Number.POSITIVE_INFINITY, maxWorkers = Number.POSITIVE_INFINITY } = tenant;
  const limit = deps.pools.get(job.pool)?.maxWorkers ?? Number.POSITIVE_INFINITY;
  const own = Math.max(1, job.cards);
  return {
    tenant: job.tenant,
    load: before.reduce((sum, { cards }) => sum + Math.max(1, cards), own),
    weight: settingsOf(deps.tenants, { id: job.tenant, login })?.weight ?? 1,
    most: Math.min(maxCards, Math.min(maxWorkers, limit) * own),
  };
}

async function githubRoom(deps: Deps, job: Job): Promise<GithubRoom> {
  const { left, again } = await registrationsLeft(deps, job.tenant);
  return { left, until: again };
}

/** A status is not kept waiting for a pool that is away. */
const INSPECT_MS = 2_000;

/** The pool's words on a container that has not started; what it cannot tell now, the worker's phase tells well enough. */
async function waitsOf(deps: Deps, worker: Worker): Promise<Pick<WaitView, "waits" | "waitsFor">> {
  const driver = deps.pools.get(worker.pool)?.driver;
  if (driver === undefined) return {};
  try {
    const state = await within(INSPECT_MS, driver.inspect(worker.id));
    return state?.type === "running" ? { waits: state.waits, waitsFor: state.waitsFor } : {};
  } catch (error) {
    deps.log.debug("container-not-inspected", { worker: worker.id, pool: worker.pool, error });
    return {};
  }
}

/** Undefined when it takes longer; what it answers then is nobody's any more. */
async function within<T>(ms: EpochMs, answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
