// Everything that the serverless form needs, on this machine: GitHub, DynamoDB, the functions in sandboxes, local workers.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { workerCommand } from "../../../functions/worker-command.ts";
import { bundle, FUNCTIONS } from "../../../scripts/build/bundle.ts";
import { createDynamoStores } from "../../../shared/adapters/dynamodb/dynamo-stores.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable } from "../../../shared/adapters/dynamodb/table.ts";
import { createLocalPool } from "../../../shared/adapters/pools/local/local-pool.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import { toPacked } from "../../../shared/config/packed.ts";
import type { PoolDriver } from "../../../shared/ports/pool-driver.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { type GithubStandIn, startGithubStandIn } from "../github/stand-in.ts";
import { installRunnerStandIn } from "../runner/install.ts";
import { FAKE_CREDENTIALS, FAKE_REGION, startDynamodb } from "../stores/dynamodb.ts";
import { type Cloud, type CloudOptions, startCloud } from "./cloud.ts";
import { runtimeName } from "./find-ric.ts";

export type CloudWorld = {
  readonly github: GithubStandIn;
  readonly stores: Stores;
  readonly cloud: Cloud;
  readonly pool: PoolDriver;
  /** What runs the functions, for people. */
  readonly runtime: string;
  /** Lines of the functions and of the stand-in for Lambda. */
  readonly log: readonly string[];
  stop(): Promise<void>;
};

const TABLE = "npu-dispatch-test";
const ROOT = join(import.meta.dirname, "..", "..", "..");

export type CloudWorldOptions = {
  readonly seed: number;
  /** One pool, of driver `local`. */
  readonly config: Config;
  readonly organization: string;
  readonly scheduleMs?: number;
} & Pick<CloudOptions, "coldStartEvery" | "repeatShare" | "freezes" | "ric">;

export async function startCloudWorld(options: CloudWorldOptions): Promise<CloudWorld> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  const dynamodb = await startDynamodb();
  undo.push(() => dynamodb.stop());
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-cloud-"));
  undo.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const github = await startGithubStandIn({ seed: options.seed });
  undo.push(() => github.stop());
  github.addOrganization(options.organization);
  const transport = createSdkTransport({
    region: FAKE_REGION,
    endpoint: dynamodb.endpoint,
    credentials: FAKE_CREDENTIALS,
  });
  undo.push(async () => transport.close());
  await ensureTable(transport.call, TABLE);
  const config = await writeBundles(dir, options.config);
  const log: string[] = [];
  const pool = localPool(config, join(dir, "pools"));
  undo.push(() => endWorkers(pool));
  const cloud = await startCloud({
    bundles: join(dir, "dist"),
    dynamodbEndpoint: dynamodb.endpoint,
    table: TABLE,
    scheduleMs: 1_000,
    ...options,
    log: (name, line) => log.push(`${name} ${line}`),
    env: {
      DISPATCH_CONFIG: join(dir, "config.json"),
      DISPATCH_SECRET: "d".repeat(48),
      GITHUB_APP_ID: String(github.appId),
      GITHUB_APP_PRIVATE_KEY: github.privateKey,
      GITHUB_WEBHOOK_SECRET: github.webhookSecret,
      GITHUB_API_URL: github.apiUrl,
      LOCAL_POOL_DIR: join(dir, "pools"),
      LOCAL_WORKER_COMMAND: JSON.stringify(workerCommand()),
      PATH: [process.env["PATH"], join(ROOT, "test", "fakes", "npu-smi")].join(delimiter),
    },
  });
  undo.push(() => cloud.stop());
  github.setWebhook(`${cloud.url}/webhooks/github`);
  const stores = createDynamoStores({ call: transport.call, table: TABLE, clock: systemClock });
  return { github, stores, cloud, pool, runtime: runtimeName(options.ric), log, stop };
}

/** Bundles as `npm run package` makes them, and the packed configuration in which the runner's place is told. */
async function writeBundles(dir: string, given: Config): Promise<Config> {
  const runnerHome = await installRunnerStandIn(join(dir, "runner"));
  for (const target of FUNCTIONS) await bundle(target, join(dir, "dist"));
  const env = { RUNNER_HOME: runnerHome, RUNNER_HOME_SHARED: "1", RUNNER_ALLOW_RUNASROOT: "1" };
  const config = { ...given, pools: given.pools.map((pool) => ({ ...pool, env })) };
  await writeFile(join(dir, "config.json"), JSON.stringify(toPacked(config)));
  return config;
}

/** A look at the same workers from outside; it starts none. */
function localPool(config: Config, dir: string): PoolDriver {
  const [pool] = config.pools;
  if (pool === undefined) throw new RangeError("the configuration has one pool");
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const { name, kind, cards } = pool;
  const parts = { dir: join(dir, name), workerCommand: [], baseEnv: {}, extraEnv: {} };
  return createLocalPool({ ...parts, name, kind, cards, clock: systemClock, log: silent });
}

async function endWorkers(pool: PoolDriver): Promise<void> {
  for (const worker of await pool.list()) await pool.stop(worker, 0);
}
