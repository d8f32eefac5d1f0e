// Watches what one process reads and looks at in a dispatch pass, and has each of its decisions judged.
//
// A pass reads its lanes and their heads, takes the lease with the pool as it then is, chooses, and looks at each chosen
// job once more before it makes any worker: these looks, in their order, are the decision. Heads that it looked at before
// the lease are of an owner whose registrations run short: that lane may be cut, so nobody need wait for it.

import type { TenantSettings } from "../../../shared/domain/admission/tenant.ts";
import { settingsOf } from "../../../shared/domain/admission/tenant.ts";
import type { EpochMs, JobId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isWaiting } from "../../../shared/domain/job/job.ts";
import type { Lane } from "../../../shared/domain/pool/lane.ts";
import { laneOrder } from "../../../shared/domain/pool/lane.ts";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import type { Marked, MarkKind } from "../../../shared/domain/upkeep/marks.ts";
import type { JobHead, Stores } from "../../../shared/ports/store.ts";
import type { Decision, SeenLane } from "./fair-choice.ts";

export type DecisionEyeOptions = {
  /** The process's own clock. */
  readonly now: () => EpochMs;
  readonly tenants: readonly TenantSettings[];
  readonly onDecision: (decision: Decision) => void;
  /** Which of its process's calls goes on: what a pass has tried, the pass of another call does not know. */
  readonly callOf: () => number;
  /** One of its own passes has made up this name of a lock's holder. */
  readonly isOwn: (holder: string) => boolean;
};

type Look = {
  readonly now: EpochMs;
  lanes: readonly Lane[];
  readonly heads: Map<Lane["tenant"], readonly JobHead[]>;
  readonly lookedAtBefore: Set<JobId>;
  /** With the lease ours. */
  pool: Pool | undefined;
  readonly chosen: Map<JobId, Job | undefined>;
  isDecided: boolean;
};

/**
 * The stores as one call sees them. A process writes the pool for all its calls at once: `replace` is for the lock's
 * holder.
 */
export function withDecisionEye(stores: Stores, options: DecisionEyeOptions): Stores {
  const { now, onDecision, callOf, isOwn } = options;
  const { jobs, lanes, marks, pools, workers } = stores;
  /** A pass does not try a job twice, and a lane goes on behind it: also one for which it made no worker after all. */
  const tried = new Set<JobId>();
  let call = callOf();
  let look = newLook(now());
  let holder: string | undefined;
  return {
    ...stores,
    lanes: { ...lanes, list: listLanes },
    jobs: { ...jobs, heads: readHeads, get: readJob },
    marks: { ...marks, get: readMark },
    pools: { ...pools, replace: replacePool },
    workers: { ...workers, create: createWorker },
  };

  async function listLanes(...args: Parameters<typeof lanes.list>): Promise<Lane[]> {
    const current = nextLook();
    const found = await lanes.list(...args);
    current.lanes = found;
    return found;
  }

  function nextLook(): Look {
    if (call !== callOf()) tried.clear();
    else if (look.pool !== undefined) for (const id of look.chosen.keys()) tried.add(id);
    call = callOf();
    look = newLook(now());
    return look;
  }

  async function readHeads(...args: Parameters<typeof jobs.heads>): Promise<JobHead[]> {
    const current = look;
    const heads = await jobs.heads(...args);
    current.heads.set(args[0].tenant, heads);
    return heads;
  }

  async function readJob(id: JobId): Promise<Job | undefined> {
    const current = look;
    const isChosen = current.pool !== undefined && !current.isDecided && !current.chosen.has(id);
    if (isChosen) current.chosen.set(id, undefined);
    else if (current.pool === undefined) current.lookedAtBefore.add(id);
    const job = await jobs.get(id);
    if (isChosen) current.chosen.set(id, job);
    return job;
  }

  function readMark<Kind extends MarkKind>(kind: Kind, id: string): Promise<Marked<Kind> | undefined> {
    if (look.pool !== undefined) look.isDecided = true;
    return marks.get(kind, id);
  }

  async function replacePool(next: Pool): Promise<boolean> {
    const current = look;
    const by = next.lock?.holder;
    const isNew = by !== undefined && by !== holder && isOwn(by);
    const isDone = await pools.replace(next);
    if (!isNew || !isDone) return isDone;
    holder = by;
    current.pool ??= next;
    return isDone;
  }

  function createWorker(...args: Parameters<typeof workers.create>): ReturnType<typeof workers.create> {
    if (look.pool !== undefined) {
      const decision = decisionOf(look, look.pool, tried, options.tenants);
      const isClear = isItsOwn(look);
      for (const id of decision.chosen) tried.add(id);
      look = newLook(now());
      if (isClear) onDecision(decision);
    }
    return workers.create(...args);
  }
}

function newLook(now: EpochMs): Look {
  return {
    now,
    lanes: [],
    heads: new Map(),
    lookedAtBefore: new Set(),
    pool: undefined,
    chosen: new Map(),
    isDecided: false,
  };
}

/**
 * What its call does beside the pass reads jobs too: one that nobody could choose, being in no index and waiting no more,
 * shows that the looks are not those of the pass alone.
 */
function isItsOwn({ heads, chosen }: Look): boolean {
  const listed = new Set([...heads.values()].flat().map(({ id }) => id));
  return [...chosen].every(([id, job]) => listed.has(id) || job === undefined || isWaiting(job));
}

function decisionOf(
  look: Look,
  pool: Pool,
  tried: ReadonlySet<JobId>,
  tenants: readonly TenantSettings[],
): Decision {
  const chosen = [...look.chosen.values()].filter((job) => job !== undefined);
  const known = new Map(look.lanes.map((lane) => [lane.tenant, lane]));
  for (const { tenant, github } of chosen) {
    if (!known.has(tenant))
      known.set(tenant, { pool: pool.name, tenant, login: github?.repository.owner.login ?? "" });
  }
  const lanes = [...known.values()].map((lane) => seenLane(look, lane, tried, tenants));
  return { pool, now: look.now, lanes, chosen: [...look.chosen.keys()] };
}

function seenLane(
  { heads, chosen, lookedAtBefore }: Look,
  { tenant, login }: Lane,
  tried: ReadonlySet<JobId>,
  tenants: readonly TenantSettings[],
): SeenLane {
  const settings = settingsOf(tenants, { id: tenant, login });
  const read = heads.get(tenant) ?? [];
  // Jobs that were just written are handed to a pass, and may not be in an index yet.
  const handed = [...chosen.values()]
    .filter((job) => job !== undefined)
    .filter((job) => job.tenant === tenant && !read.some(({ id }) => id === job.id))
    .map((job) => ({ id: job.id, cards: job.cards, order: laneOrder(job) }));
  return {
    tenant,
    weight: settings?.weight ?? 1,
    maxCards: settings?.maxCards ?? Number.POSITIVE_INFINITY,
    maxWorkers: settings?.maxWorkers ?? Number.POSITIVE_INFINITY,
    heads: [...read, ...handed]
      .filter(({ id }) => chosen.has(id) || !tried.has(id))
      .sort((a, b) => (a.order < b.order ? -1 : 1)),
    isHeldBack: read.some(({ id }) => lookedAtBefore.has(id)),
  };
}
