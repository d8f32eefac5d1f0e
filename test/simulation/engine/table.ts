// The table in memory: nouns by reference in Maps, indexes kept with each write. Calls are made and answered at once.

import type { Tenant } from "../../../shared/domain/admission/tenant.ts";
import { REPOSITORY_SEEN_MS } from "../../../shared/domain/deadlines.ts";
import type { EpochMs, JobId, PoolName, TenantId, WorkerId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isWaiting, jobDueAt } from "../../../shared/domain/job/job.ts";
import type { SeenRepository } from "../../../shared/domain/job/repository.ts";
import type { Lane } from "../../../shared/domain/pool/lane.ts";
import { laneKey, laneOrder, unpairedKey } from "../../../shared/domain/pool/lane.ts";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import type { Marked, MarkKind } from "../../../shared/domain/upkeep/marks.ts";
import { isUnpaired } from "../../../shared/domain/worker/needs-rebind.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { isLive } from "../../../shared/domain/worker/worker.ts";
import type { Change, DueItem, JobHead, NearMiss } from "../../../shared/ports/store.ts";
import { createApiTable } from "./api-table.ts";

export type TableOptions = {
  readonly now: () => EpochMs;
  /** Before the change is told: `before` is undefined for a noun that is new. */
  readonly onJob: (next: Job, before: Job | undefined) => void;
  readonly onWorker: (next: Worker, before: Worker | undefined) => void;
  readonly onPool: (next: Pool) => void;
  readonly onMark: (next: unknown, before: unknown) => void;
  readonly onPayload?: (json: string) => void;
  readonly onChange: (change: Change) => void;
};

export type Table = ReturnType<typeof createTable>;

export function createTable(options: TableOptions) {
  const { now, onChange, onPayload = () => {} } = options;
  const api = createApiTable({ now, onPayload });
  const jobs = createNouns<JobId, Job>((job) => job.id, wroteJob);
  const workers = createNouns<WorkerId, Worker>((worker) => worker.id, wroteWorker);
  const pools = createNouns<PoolName, Pool>((pool) => pool.name, options.onPool);
  const tenants = createNouns<TenantId, Tenant>(
    (tenant) => tenant.id,
    () => {},
  );
  const heads = new Map<string, Map<JobId, JobHead>>();
  const unpaired = new Map<string, Set<JobId>>();
  const live = new Map<PoolName, Map<WorkerId, Worker>>();
  const due = new Map<string, DueItem>();
  const lanes = new Map<string, Lane>();
  const marks = new Map<string, Marked<MarkKind>>();
  const repositories = new Map<number, SeenRepository>();
  const nearMisses = new Map<string, NearMiss & { count: number }>();

  return {
    jobs: {
      ...jobs.port,
      heads: (lane: { pool: PoolName; tenant: TenantId }, limit: number): JobHead[] =>
        sorted(heads.get(laneKey(lane))?.values(), (head) => head.order).slice(0, limit),
      unpaired: (place: Parameters<typeof unpairedKey>[0], limit: number): JobId[] =>
        [...(unpaired.get(unpairedKey(place)) ?? [])].slice(0, limit),
    },
    workers: {
      ...workers.port,
      heartbeat,
      live: liveIn,
      liveIds: (pool: PoolName): WorkerId[] => liveIn(pool).map(({ id }) => id),
    },
    pools: pools.port,
    lanes: {
      register: (lane: Lane): void => void lanes.set(laneKey(lane), lane),
      list: (pool: PoolName): Lane[] => [...lanes.values()].filter((lane) => lane.pool === pool),
    },
    tenants: { ...tenants.port, list: (): Tenant[] => [...tenants.all.values()] },
    nearMisses: {
      count: countMiss,
      list: (tenant: TenantId, limit: number) =>
        [...nearMisses.values()].filter((miss) => miss.tenant === tenant).slice(0, limit),
    },
    due: { due: dueBy },
    marks: { get: readMark, put: putMark },
    repositories: {
      saw,
      list: (limit: number): SeenRepository[] =>
        sorted(repositories.values(), (one) => -one.lastJobAt).slice(0, limit),
    },
    api,
    deployment: { deploymentId: (fallback: string): string => fallback },
    /** For whoever looks on from outside. */
    all: { jobs: jobs.all, workers: workers.all, pools: pools.all, repositories, due },
    /** A record that is gone, as after a restore from a backup of before it was written. */
    forgetWorker(id: WorkerId): void {
      const worker = workers.all.get(id);
      workers.all.delete(id);
      due.delete(id);
      if (worker !== undefined) live.get(worker.pool)?.delete(id);
    },
  };

  function wroteJob(job: Job, before: Job | undefined): void {
    const lane = group(heads, laneKey(job));
    if (isWaiting(job)) lane.set(job.id, { id: job.id, cards: job.cards, order: laneOrder(job) });
    else lane.delete(job.id);
    const place = unpairedKey(job);
    if (isUnpaired(job)) unpaired.set(place, (unpaired.get(place) ?? new Set()).add(job.id));
    else unpaired.get(place)?.delete(job.id);
    setDue({ kind: "job", id: job.id, dueAt: jobDueAt(job) });
    api.wrote(job);
    options.onJob(job, before);
    onChange({ kind: "job", job });
  }

  function wroteWorker(worker: Worker, before: Worker | undefined): void {
    const alive = isLive(worker);
    if (alive) group(live, worker.pool).set(worker.id, worker);
    else live.get(worker.pool)?.delete(worker.id);
    setDue({ kind: "worker", id: worker.id, dueAt: alive ? worker.dueAt : undefined });
    options.onWorker(worker, before);
    onChange({ kind: "worker", worker });
  }

  function heartbeat(id: WorkerId, at: EpochMs, dueAt: EpochMs): boolean {
    const worker = workers.all.get(id);
    if (worker === undefined || !isLive(worker)) return false;
    const next = { ...worker, heartbeatAt: Math.max(at, worker.heartbeatAt ?? 0), dueAt };
    workers.all.set(id, next);
    setDue({ kind: "worker", id, dueAt });
    return true;
  }

  function liveIn(pool: PoolName): Worker[] {
    return [...(live.get(pool)?.values() ?? [])];
  }

  function setDue(item: Omit<DueItem, "dueAt"> & { readonly dueAt: EpochMs | undefined }): void {
    if (item.dueAt === undefined) due.delete(item.id);
    else due.set(item.id, item as DueItem);
  }

  function dueBy(until: EpochMs, limit: number): DueItem[] {
    const items: DueItem[] = [];
    for (const item of due.values()) if (item.dueAt <= until) items.push(item);
    return sorted(items, (item) => item.dueAt).slice(0, limit);
  }

  function readMark(kind: MarkKind, id: string): Marked<MarkKind> | undefined {
    const mark = marks.get(`${kind}#${id}`);
    return mark?.expiresAt !== undefined && mark.expiresAt <= now() ? undefined : mark;
  }

  function putMark(kind: MarkKind, id: string, next: Marked<MarkKind>): boolean {
    const before = readMark(kind, id);
    if (next.version !== (before?.version ?? 0) + 1) return false;
    marks.set(`${kind}#${id}`, next);
    options.onMark(next.value, before?.value);
    return true;
  }

  function saw(repository: SeenRepository): void {
    const stored = repositories.get(repository.id);
    if (stored !== undefined && repository.lastJobAt - stored.lastJobAt < REPOSITORY_SEEN_MS) return;
    repositories.set(repository.id, repository);
  }

  function countMiss(miss: NearMiss): void {
    const key = `${miss.tenant}#${miss.labels.join()}`;
    nearMisses.set(key, { ...miss, count: (nearMisses.get(key)?.count ?? 0) + 1 });
  }
}

type Versioned = { readonly version: number };

function createNouns<Id, Noun extends Versioned>(
  idOf: (noun: Noun) => Id,
  wrote: (next: Noun, before: Noun | undefined) => void,
) {
  const all = new Map<Id, Noun>();
  return {
    all,
    port: {
      get: (id: Id): Noun | undefined => all.get(id),
      create(noun: Noun): boolean {
        const id = idOf(noun);
        if (all.has(id)) return false;
        all.set(id, noun);
        wrote(noun, undefined);
        return true;
      },
      replace(next: Noun): boolean {
        const id = idOf(next);
        const before = all.get(id);
        if (before === undefined || before.version !== next.version - 1) return false;
        all.set(id, withBeat(next, before));
        wrote(next, before);
        return true;
      },
      /** Another writer is faster, and changes nothing but the version. */
      overtake(next: Noun): void {
        const id = idOf(next);
        const stored = all.get(id);
        if (stored !== undefined) all.set(id, { ...stored, version: stored.version + 1 });
      },
    },
  };
}

/** A write keeps the heartbeat that is newer than it, as every store does. */
function withBeat<Noun extends Versioned>(next: Noun, before: Noun): Noun {
  const { heartbeatAt: newer } = before as { heartbeatAt?: EpochMs | undefined };
  const { heartbeatAt } = next as { heartbeatAt?: EpochMs | undefined };
  return newer === undefined || (heartbeatAt ?? 0) >= newer ? next : { ...next, heartbeatAt: newer };
}

function group<Key, Id, Item>(groups: Map<Key, Map<Id, Item>>, key: Key): Map<Id, Item> {
  const known = groups.get(key);
  if (known !== undefined) return known;
  const fresh = new Map<Id, Item>();
  groups.set(key, fresh);
  return fresh;
}

function sorted<Item>(items: Iterable<Item> | undefined, keyOf: (item: Item) => string | number): Item[] {
  return [...(items ?? [])].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
