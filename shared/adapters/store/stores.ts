// The ports of the store over any Rows, written once: each adapter brings its Rows and nothing else.
import { randomUUID } from "node:crypto";
import type { Tenant } from "../../domain/admission/tenant.ts";
import { HISTORY_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { type Lane, laneKey, unpairedKey } from "../../domain/pool/lane.ts";
import type { Pool } from "../../domain/pool/pool.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Clock } from "../../ports/clock.ts";
import {
  type Change,
  type DeploymentStore,
  type JobStore,
  type LaneStore,
  type NearMiss,
  type NearMissStore,
  StoreError,
  type Stores,
  type TenantStore,
  type WorkerStore,
} from "../../ports/store.ts";
import { type GuardedRows, guardRows } from "./guarded-rows.ts";
import {
  DEPLOYMENT_KEY,
  dueItemOf,
  jobIdOf,
  jobKey,
  laneRowKey,
  laneSet,
  nearMissSet,
  OLD_NEAR_MISS_SET,
  poolKey,
  TENANT_SET,
  tenantKey,
  workerIdOf,
  workerKey,
  workerSet,
} from "./keys.ts";
import { createMarkStore, createRepositoryStore } from "./mark-stores.ts";
import {
  nounOf,
  type RowDraft,
  rowOfDeployment,
  rowOfJob,
  rowOfLane,
  rowOfNearMiss,
  rowOfPool,
  rowOfTenant,
  rowOfWorker,
  workerOfRow,
} from "./row-codec.ts";
import { isExpired, type Row, type Rows } from "./rows.ts";

export type StoreDeps = {
  readonly clock: Clock;
  /** Told of each write of a job or worker after it is durable, but not of heartbeats. */
  readonly onChange?: ((change: Change) => void) | undefined;
  /** What `onChange` threw. Without it the error is thrown outside of the write, as an uncaught exception. */
  readonly onChangeError?: ((error: unknown, change: Change) => void) | undefined;
  /** Unique for ever; a test may pass its own. */
  readonly newWriteId?: (() => string) | undefined;
};

type Tools = {
  readonly rows: Rows;
  readonly guarded: GuardedRows;
  readonly clock: Clock;
  /** Passes the outcome on; when the write took place, tells of it first. */
  readonly tell: (written: boolean, change: Change) => boolean;
};

export function createStores(rows: Rows, deps: StoreDeps): Stores {
  const { clock, newWriteId = randomUUID } = deps;
  const now = (): number => clock.now();
  const guarded = guardRows(rows, { now, newWriteId });
  const tools: Tools = { rows, guarded, clock, tell };
  return {
    jobs: createJobStore(tools),
    workers: createWorkerStore(tools),
    pools: nounStore(guarded, poolKey, rowOfPool, nounOf<Pool>),
    lanes: createLaneStore(tools),
    tenants: createTenantStore(tools),
    nearMisses: createNearMissStore(tools, newWriteId),
    due: {
      async due(until, limit) {
        const entries = await rows.queryDue(until, limit);
        return entries.map(dueItemOf).filter((item) => item !== undefined);
      },
    },
    deployment: createDeploymentStore(guarded),
    marks: createMarkStore(guarded),
    repositories: createRepositoryStore(rows, guarded, now),
  };

  function tell(written: boolean, change: Change): boolean {
    if (written) notify(deps, change);
    return written;
  }
}

function createJobStore({ rows, guarded, clock, tell }: Tools): JobStore {
  const toRow = (job: Job): RowDraft => rowOfJob(job, clock.now());
  const nouns = nounStore(guarded, jobKey, toRow, nounOf<Job>);
  return {
    get: nouns.get,
    create: async (job) => tell(await nouns.create(job), { kind: "job", job }),
    replace: async (job) => tell(await nouns.replace(job), { kind: "job", job }),
    async heads(lane, limit) {
      const entries = await rows.queryLane(laneKey(lane), limit);
      return entries.map(({ pk, cards, laneSk }) => ({ id: jobIdOf(pk), cards, order: laneSk }));
    },
    unpaired: async (place, limit) =>
      (await rows.queryLane(unpairedKey(place), limit)).map(({ pk }) => jobIdOf(pk)),
  };
}

function createWorkerStore({ rows, guarded, clock, tell }: Tools): WorkerStore {
  const toRow = (worker: Worker): RowDraft => rowOfWorker(worker, clock.now());
  const nouns = nounStore(guarded, workerKey, toRow, workerOfRow);
  return {
    get: nouns.get,
    create: async (worker) => tell(await nouns.create(worker), { kind: "worker", worker }),
    replace: async (worker) => tell(await nouns.replace(worker), { kind: "worker", worker }),
    heartbeat: (id, at, dueAt) => rows.touch(workerKey(id), { heartbeatAt: at, dueAt }),
    live: async (pool) => (await rows.querySet(workerSet(pool))).map(nounOf<Worker>),
    liveIds: async (pool) => (await rows.querySetKeys(workerSet(pool))).map(({ pk }) => workerIdOf(pk)),
  };
}

function createLaneStore({ rows, guarded, clock }: Tools): LaneStore {
  return {
    async register(lane) {
      const now = clock.now();
      const stored = await guarded.get(laneRowKey(lane));
      // A lost race is no loss: whoever won registered the same lane, with a login at least as new.
      if (stored === undefined) await guarded.create(rowOfLane(lane, 0, now));
      else if (nounOf<Lane>(stored).login !== lane.login || isFading(stored, now)) {
        await guarded.replace(rowOfLane(lane, stored.version + 1, now));
      }
    },
    async list(pool) {
      const found = await rows.querySet(laneSet(pool));
      return found.filter((row) => !isExpired(row, clock.now())).map(nounOf<Lane>);
    },
  };
}

/** Written once a day at most, however many jobs come. */
function isFading({ expiresAt }: Row, now: EpochMs): boolean {
  return expiresAt === undefined || expiresAt * 1_000 < now + HISTORY_MS - DAY_MS;
}

const DAY_MS = 86_400_000;

function createTenantStore({ rows, guarded }: Tools): TenantStore {
  return {
    ...nounStore(guarded, tenantKey, rowOfTenant, nounOf<Tenant>),
    list: async () => (await rows.querySet(TENANT_SET)).map(nounOf<Tenant>),
  };
}

/** So many were read of all tenants' once. None is left 30 days after the last was written. */
const OLD_NEAR_MISSES = 500;

function createNearMissStore({ rows, clock }: Tools, newWriteId: () => string): NearMissStore {
  return {
    // A counter in place, not a version race: a matrix of 256 mistyped jobs arrives at once, and a repeat after a lost
    // answer counting one too many is harmless here.
    count: async (miss) => rows.bump({ ...rowOfNearMiss(miss), writeId: newWriteId() }),
    async list(tenant, limit) {
      const own = await rows.querySet(nearMissSet(tenant), limit);
      const old = await rows.querySet(OLD_NEAR_MISS_SET, OLD_NEAR_MISSES);
      return [...own, ...old]
        .filter((entry) => !isExpired(entry, clock.now()))
        .map((entry) => ({ ...nounOf<NearMiss>(entry), count: entry.version }))
        .filter((miss) => miss.tenant === tenant)
        .slice(0, limit);
    },
  };
}

function createDeploymentStore(guarded: GuardedRows): DeploymentStore {
  return {
    async deploymentId(fallback) {
      const stored = await guarded.get(DEPLOYMENT_KEY);
      if (stored !== undefined) return nounOf<{ id: string }>(stored).id;
      if (await guarded.create(rowOfDeployment(fallback))) return fallback;
      const winner = await guarded.get(DEPLOYMENT_KEY);
      if (winner === undefined) {
        throw new StoreError("The deployment id was written by another process and is gone. Try again.", {
          retryable: true,
        });
      }
      return nounOf<{ id: string }>(winner).id;
    },
  };
}

/** get, create and replace, which are the same for every noun with a version. */
function nounStore<Id, Noun>(
  guarded: GuardedRows,
  keyOf: (id: Id) => string,
  toRow: (noun: Noun) => RowDraft,
  fromRow: (row: NonNullable<Awaited<ReturnType<GuardedRows["get"]>>>) => Noun,
): {
  get(id: Id): Promise<Noun | undefined>;
  create(noun: Noun): Promise<boolean>;
  replace(noun: Noun): Promise<boolean>;
} {
  return {
    async get(id) {
      const row = await guarded.get(keyOf(id));
      return row === undefined ? undefined : fromRow(row);
    },
    create: async (noun) => guarded.create(toRow(noun)),
    replace: async (noun) => guarded.replace(toRow(noun)),
  };
}

function notify(deps: StoreDeps, change: Change): void {
  try {
    deps.onChange?.(change);
  } catch (error) {
    if (deps.onChangeError !== undefined) deps.onChangeError(error, change);
    else
      queueMicrotask(() => {
        throw error;
      });
  }
}
