// Everything the use cases need, in memory: stores, a pool, GitHub, workers, a clock, and the stream of changes.

import { createApiStores } from "../../shared/adapters/store/api-stores.ts";
import { workerKey } from "../../shared/adapters/store/keys.ts";
import { createStores } from "../../shared/adapters/store/stores.ts";
import type { EndpointTemplate } from "../../shared/domain/admission/endpoint.ts";
import type { TenantSettings } from "../../shared/domain/admission/tenant.ts";
import { DEFAULT_TENANT_SETTINGS } from "../../shared/domain/admission/tenant.ts";
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { EpochMs, PoolName, WorkerId } from "../../shared/domain/ids.ts";
import { endpointName, poolName, tenantId } from "../../shared/domain/ids.ts";
import type { ApiStores } from "../../shared/ports/api-store.ts";
import type { Change, Stores } from "../../shared/ports/store.ts";
import type { Deps, PoolSettings } from "../../shared/usecases/deps.ts";
import { handleChange } from "../../shared/usecases/handle-change.ts";
import { receiveDelivery } from "../../shared/usecases/intake/receive-delivery.ts";
import { reconcile } from "../../shared/usecases/reconcile/reconcile.ts";
import { aCatalogue, OWNER, POOL, T0 } from "../domain/builders.ts";
import type { ManualClock } from "./clock.ts";
import { manualClock } from "./clock.ts";
import type { CollectingLog } from "./collecting-log.ts";
import { createCollectingLog } from "./collecting-log.ts";
import type { FakeGithub } from "./fake-github.ts";
import { createFakeGithub } from "./fake-github.ts";
import type { FakePool, FakePoolOptions } from "./fake-pool.ts";
import { createFakePool } from "./fake-pool.ts";
import { createFakeSeal } from "./fake-seal.ts";
import { createScriptedProgram } from "./scripted-program.ts";
import type { ScriptedWorker, WorkerScript } from "./scripted-worker.ts";
import { createScriptedWorker } from "./scripted-worker.ts";
import { seededRandom } from "./seeded-random.ts";
import type { Fuse } from "./stores/fuse.ts";
import { createFuse } from "./stores/fuse.ts";
import { fusedApiStores, fusedStores } from "./stores/fused-stores.ts";
import { createMemoryRows } from "./stores/memory-rows.ts";

/**
 * `in-order` keeps its changes over a restart, as a table's stream does. `volatile` loses them then, as one process
 * does. `twice-reversed`: what has gathered comes in reverse order, each change twice. `side-by-side`: all at once.
 * `lost`: nothing ever comes.
 */
export type Stream = "in-order" | "volatile" | "twice-reversed" | "side-by-side" | "lost";

export type WorldOptions = Partial<Pick<FakePoolOptions, "cards" | "namedCards">> & {
  readonly templates?: readonly EndpointTemplate[];
  readonly tenants?: readonly TenantSettings[];
  readonly stream?: Stream;
  readonly seed?: number;
  readonly script?: Partial<WorkerScript>;
  readonly maxWorkers?: number;
  readonly startsAtOnce?: number;
  /** What stands between the use cases and the stores, e.g. faults. */
  readonly wrapStores?: (stores: Stores) => Stores;
};

export type World = {
  readonly deps: Deps;
  /** The same stores for a test to look at, whatever has happened to the process. */
  readonly stores: Stores;
  readonly apiStores: ApiStores;
  readonly clock: ManualClock;
  readonly github: FakeGithub;
  readonly pool: FakePool;
  readonly log: CollectingLog;
  readonly fuse: Fuse;
  /** Every worker whose container was ever made, in order of start. */
  readonly workers: readonly ScriptedWorker[];
  /** What use cases threw, but for the end of the process. */
  readonly faults: unknown[];
  /** May be changed at any time. */
  stream: Stream;
  /** GitHub's words that met no answer. GitHub does not repeat them by itself. */
  readonly unanswered: WorkflowJobWord[];
  /** Scripts of workers to come. */
  script: WorkerScript;
  /** What becomes of GitHub's words: the ones to deliver now. */
  post: (words: WorkflowJobWord[]) => WorkflowJobWord[];
  /** Handles changes until no more come. */
  settle(): Promise<void>;
  /** Delivers what `post` lets through, then settles. */
  deliver(): Promise<void>;
  /** One pass, then settles. */
  reconcile(): Promise<void>;
  /** Every living worker takes one step, then GitHub's words are delivered. */
  step(): Promise<void>;
  worker(id: WorkerId): ScriptedWorker;
  /** The worker's record is gone; its container lives. */
  loseRecord(id: WorkerId): void;
  /** The next call meets a fresh process over the same stores. */
  restart(): void;
  now(): EpochMs;
};

export const CPU: PoolName = poolName("cpu");
export const ACME: TenantSettings = { owner: OWNER.login, ...DEFAULT_TENANT_SETTINGS };
const DEPLOYMENT = "t3st00";

export function createWorld(options: WorldOptions = {}): World {
  const clock = manualClock(T0);
  const log = createCollectingLog();
  const fuse = createFuse();
  const github = createFakeGithub(clock);
  const queue: Change[] = [];
  const rows = createMemoryRows();
  const stores = createStores(rows, { clock, onChange: (change) => queue.push(change) });
  const apiStores = createApiStores(rows, { clock });
  const workers: ScriptedWorker[] = [];
  const pool = createFakePool({
    cards: options.cards ?? 8,
    clock,
    namedCards: options.namedCards ?? true,
    onStart: ({ workerId, endpoint, tenant }) => {
      const { program } = world.script;
      const claims = {
        worker: workerId,
        pool: POOL,
        endpoint: endpointName(endpoint),
        tenant: tenantId(tenant),
      };
      const around = { deps, github, pool, claims };
      workers.push(
        program === undefined
          ? createScriptedWorker(workerId, world.script, around)
          : createScriptedProgram(workerId, program, deps),
      );
    },
  });
  const deps = depsOf();
  const world: World = {
    deps,
    stores,
    apiStores,
    clock,
    github,
    pool,
    log,
    fuse,
    workers,
    faults: [],
    unanswered: [],
    stream: options.stream ?? "in-order",
    script: { jobMs: 60_000, registration: "token", ...options.script },
    post: (words) => words,
    settle,
    deliver,
    reconcile: () => attempt(() => reconcile(deps)).then(settle),
    step,
    worker: (id) => workers.find((one) => one.id === id) ?? missing(id),
    loseRecord: (id) => rows.lose(workerKey(id)),
    restart() {
      if (world.stream !== "in-order") queue.length = 0;
      fuse.mend();
    },
    now: clock.now,
  };
  return world;

  function depsOf(): Deps {
    const wrapped = (options.wrapStores ?? ((same) => same))(fusedStores(fuse, stores));
    const settings = (name: PoolName, driver: FakePool): [PoolName, PoolSettings] => [
      name,
      { name, driver: fuse.wrap(driver), maxWorkers: options.maxWorkers, startsAtOnce: options.startsAtOnce },
    ];
    return {
      stores: wrapped,
      apiStores: fusedApiStores(fuse, apiStores),
      storage: { bytesPerTenant: 1_000_000_000, isDiskLow: () => false },
      seal: createFakeSeal(),
      clock,
      pause: async () => undefined,
      random: seededRandom(options.seed),
      log,
      github: fuse.wrap(github),
      pools: new Map([settings(POOL, pool)]),
      catalogue: aCatalogue(options.templates),
      tenants: options.tenants ?? [ACME],
      deployment: DEPLOYMENT,
      githubUrl: "https://github.com",
      workerEnv: (worker) => ({ RUNPOD_POD_ID: worker.id }),
    };
  }

  async function settle(): Promise<void> {
    for (let round = 0; queue.length > 0 && !fuse.blown; round++) {
      if (round > MAX_ROUNDS) throw new Error("the changes never end: one sets itself in motion");
      await handleSome();
    }
  }

  async function handleSome(): Promise<void> {
    if (world.stream === "side-by-side") {
      await Promise.all(queue.splice(0).map(handle));
      return;
    }
    const batch = world.stream === "twice-reversed" ? queue.splice(0).reverse() : queue.splice(0, 1);
    for (const change of batch) await handle(change);
  }

  async function handle(change: Change): Promise<void> {
    if (world.stream === "lost") return;
    await attempt(() => handleChange(deps, change));
    if (world.stream === "twice-reversed") await attempt(() => handleChange(deps, change));
    if (fuse.blown) queue.unshift(change);
  }

  async function deliver(): Promise<void> {
    for (const word of world.post(github.takeOutbox())) {
      if (await attempt(() => receiveDelivery(deps, word))) github.answered(word);
      else world.unanswered.push(word);
    }
    await settle();
  }

  async function step(): Promise<void> {
    const living = new Set(pool.running());
    for (const one of workers) {
      if (living.has(one.id)) await attempt(() => one.step());
    }
    await deliver();
  }

  /** A process that ends takes nothing with it but itself; anything else thrown is kept for the test to look at. */
  async function attempt(what: () => Promise<unknown>): Promise<boolean> {
    try {
      await what();
      return true;
    } catch (error) {
      if (!fuse.blown) world.faults.push(error);
      return false;
    }
  }
}

/** A test world of 20 jobs settles within some hundred changes. */
const MAX_ROUNDS = 5_000;

function missing(id: WorkerId): never {
  throw new Error(`the world has no worker ${id}`);
}
