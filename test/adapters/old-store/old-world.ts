// A dispatcher over a copy of a store that an earlier commit left: its real store, seal, tokens and HTTP planes, with a
// clock, a GitHub and pools of the test's own.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Hono } from "hono";
import { createDeps, deploymentOf } from "../../../functions/deps.ts";
import { createApp } from "../../../functions/server.ts";
import { createWorkerTokens } from "../../../shared/adapters/crypto/worker-token.ts";
import type { SqliteStores } from "../../../shared/adapters/sqlite/sqlite-stores.ts";
import { createSqliteStores } from "../../../shared/adapters/sqlite/sqlite-stores.ts";
import { parseConfig } from "../../../shared/config/parse.ts";
import type { PoolName, WorkerId } from "../../../shared/domain/ids.ts";
import { endpointName, tenantId } from "../../../shared/domain/ids.ts";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import type { Change } from "../../../shared/ports/store.ts";
import { redact } from "../../../shared/redacted.ts";
import type { ApiDeps } from "../../../shared/usecases/client-plane/api-deps.ts";
import { handleChange } from "../../../shared/usecases/handle-change.ts";
import { receiveDelivery } from "../../../shared/usecases/intake/receive-delivery.ts";
import { reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import { recover } from "../../../shared/usecases/reconcile/recover.ts";
import type { ManualClock } from "../../fakes/clock.ts";
import { manualClock } from "../../fakes/clock.ts";
import type { CollectingLog } from "../../fakes/collecting-log.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";
import type { FakeGithub } from "../../fakes/fake-github.ts";
import { createFakeGithub } from "../../fakes/fake-github.ts";
import type { FakePool } from "../../fakes/fake-pool.ts";
import { createFakePool } from "../../fakes/fake-pool.ts";
import { createScriptedProgram } from "../../fakes/scripted-program.ts";
import type { WorkerScript } from "../../fakes/scripted-worker.ts";
import { createScriptedWorker } from "../../fakes/scripted-worker.ts";
import { seededRandom } from "../../fakes/seeded-random.ts";
import { createFuse, type Fuse } from "../../fakes/stores/fuse.ts";
import { fusedApiStores, fusedStores } from "../../fakes/stores/fused-stores.ts";

const FIXTURE = new URL("../../fixtures/store-of-d4dd82b/", import.meta.url).pathname;

export const DISPATCH_SECRET = "dispatch-secret-of-the-old-store";
export const ADMIN_KEY = "admin-key-of-the-old-store-for-tests";

/** Nothing that anybody uses. */
const SECRETS = {
  app: {
    webhookSecrets: [redact("webhook-secret-of-the-old-store")],
    appId: "1",
    appPrivateKey: redact("no key: the GitHub of the test asks for none"),
  },
  githubApiUrl: "http://127.0.0.1:9",
  dispatchSecret: redact(DISPATCH_SECRET),
  dispatchSecretPrevious: undefined,
  adminKey: redact(ADMIN_KEY),
};

const LIFE_MS = 7 * 86_400_000;

type Stepping = { readonly id: string; step(): Promise<void> };

export type OldWorld = {
  readonly deps: ApiDeps;
  readonly stores: SqliteStores;
  readonly clock: ManualClock;
  readonly github: FakeGithub;
  readonly log: CollectingLog;
  readonly fuse: Fuse;
  readonly pools: ReadonlyMap<PoolName, FakePool>;
  readonly workers: readonly Stepping[];
  /** Workers of the store whose containers were kept. */
  readonly kept: ReadonlySet<WorkerId>;
  readonly app: Hono;
  /** Scripts of workers to come. */
  script: WorkerScript;
  /** Handles changes until no more come. */
  settle(): Promise<void>;
  /** Delivers what GitHub says, then settles. */
  deliver(): Promise<void>;
  recover(): Promise<void>;
  reconcile(): Promise<void>;
  /** The container of a worker of the store, which nobody plays; its pool. */
  keepContainer(id: WorkerId): Promise<FakePool>;
  /** Every living worker takes one step. */
  step(): Promise<void>;
  close(): void;
};

/** The fixture's files in a folder of their own. */
export async function copyOldStore(): Promise<{ readonly dir: string; dispose(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-old-store-"));
  await cp(FIXTURE, dir, { recursive: true });
  await writeFile(join(dir, "dispatch.db"), gunzipSync(await readFile(join(dir, "dispatch.db.gz"))));
  return { dir, dispose: () => rm(dir, { recursive: true, force: true }) };
}

/** `at`: what its clock shows first, epoch ms. */
export async function openOldWorld(dir: string, at: number): Promise<OldWorld> {
  const parsed = parseConfig(await readFile(join(dir, "dispatch.json"), "utf8"));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { config } = parsed;
  const clock = manualClock(at);
  const log = createCollectingLog();
  const fuse = createFuse();
  const github = createFakeGithub(clock);
  const queue: Change[] = [];
  const stores = createSqliteStores({
    file: join(dir, "dispatch.db"),
    clock,
    onChange: (change) => queue.push(change),
  });
  const tokens = createWorkerTokens(SECRETS.dispatchSecret);
  const pools = new Map<PoolName, FakePool>();
  const workers: Stepping[] = [];
  const kept = new Set<WorkerId>();
  for (const { name, cards } of config.pools) {
    const onStart = (spec: StartSpec) => {
      if (!kept.has(spec.workerId)) workers.push(playerOf(name, spec));
    };
    pools.set(name, createFakePool({ cards: cards === "auto" ? 0 : cards, clock, onStart }));
  }
  const random = seededRandom(41);
  const deps = createDeps({
    config,
    secrets: SECRETS,
    stores: { ...fusedStores(fuse, stores), api: fusedApiStores(fuse, stores.api) },
    clock,
    random,
    log,
    github: fuse.wrap(github),
    pools: new Map(
      config.pools.map(({ name, maxWorkers }) => {
        const driver = fuse.wrap(pools.get(name) as FakePool);
        return [name, { name, driver, maxWorkers }];
      }),
    ),
    isDiskLow: () => false,
    deployment: await deploymentOf(stores, random),
    tokens,
    publicUrl: "http://127.0.0.1:9",
    githubUrl: "https://github.com",
  });
  const world: OldWorld = {
    deps,
    stores,
    clock,
    github,
    log,
    fuse,
    pools,
    workers,
    kept,
    app: createApp(deps, { config, secrets: SECRETS }, { tokens, publicUrl: "http://127.0.0.1:9" }),
    script: { jobMs: 60_000, registration: "token" },
    settle,
    async deliver() {
      for (const word of github.takeOutbox()) {
        await receiveDelivery(deps, word);
        github.answered(word);
      }
      await settle();
    },
    recover: () => recover(deps).then(settle),
    reconcile: () => reconcile(deps).then(settle),
    async keepContainer(id) {
      const worker = await stores.workers.get(id);
      const pool = worker && pools.get(worker.pool);
      if (worker === undefined || pool === undefined) throw new Error(`no worker ${id}`);
      kept.add(id);
      const { endpoint, tenant, cards, slots } = worker;
      const asked = { workerId: id, endpoint, tenant, cards, slots, image: undefined, command: undefined };
      await pool.start({ ...asked, env: {}, limitMs: LIFE_MS });
      return pool;
    },
    async step() {
      const living = new Set([...pools.values()].flatMap((pool) => pool.running() as string[]));
      for (const one of workers) if (living.has(one.id)) await one.step();
    },
    close: () => stores.close(),
  };
  return world;

  function playerOf(pool: PoolName, { workerId, endpoint, tenant, command }: StartSpec): Stepping {
    if (command !== undefined) return createScriptedProgram(workerId, { jobMs: world.script.jobMs }, deps);
    const claims = { worker: workerId, pool, endpoint: endpointName(endpoint), tenant: tenantId(tenant) };
    const around = { deps, github, pool: pools.get(pool) as FakePool, claims };
    return createScriptedWorker(workerId, world.script, around);
  }

  async function settle(): Promise<void> {
    for (let change = queue.shift(); change !== undefined && !fuse.blown; change = queue.shift()) {
      await handleChange(deps, change);
    }
  }
}
