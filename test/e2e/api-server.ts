// The server of `npm start` in this process, with a local pool whose workers are a program in RunPod's protocol.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashKey } from "../../functions/http/client/auth.ts";
import type { RunningServer } from "../../functions/server.ts";
import { startServer } from "../../functions/server.ts";
import { createSqliteStores } from "../../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { parseConfig } from "../../shared/config/parse.ts";
import type { ProgramSecrets } from "../../shared/config/secrets.ts";
import { redact } from "../../shared/redacted.ts";
import { TEST_IMAGE } from "../contract/docker-pool-under-test.ts";
import type { CollectingLog } from "../fakes/collecting-log.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";
import { until } from "./until.ts";

export const API_KEY = `npud_${"e".repeat(40)}`;
/** Its workers run `test/fixtures/programs/runpod-worker.mjs`. */
export const PROGRAM = "program";
/** Its workers sleep in containers of the engine that was given, and never say a word. */
export const SLEEPER = "sleeper";
/** Its workers would register runners; none is ever started, for its tenant may have no card. */
export const PARKED = "parked";

export type ApiServer = RunningServer & {
  readonly log: CollectingLog;
  /** With the store's files. */
  readonly dir: string;
  dispose(): Promise<void>;
};

export async function startApiServer({
  reconcileMs,
  limits = {},
  engine,
  program = {},
  programSecrets = {},
}: {
  readonly reconcileMs?: number;
  /** A container engine's address, for a pool of the name `engine`. */
  readonly engine?: string;
  /** As `limits` of dispatch.yaml. */
  readonly limits?: object;
  /** Further settings of the endpoint PROGRAM. */
  readonly program?: object;
  readonly programSecrets?: NonNullable<ProgramSecrets["programSecrets"]>;
} = {}): Promise<ApiServer> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-api-"));
  const log = createCollectingLog();
  const server = await startServer({
    config: config({ limits, engine, program }),
    secrets: {
      // Nothing here needs GitHub; a call to it would fail.
      app: undefined,
      githubApiUrl: "http://127.0.0.1:9",
      dispatchSecret: redact("dispatch-secret-of-the-api-server-test"),
      dispatchSecretPrevious: undefined,
      programSecrets,
    },
    host: "127.0.0.1",
    port: 0,
    poolsDir: join(dir, "pools"),
    openStores: async (onChange) => {
      const stores = createSqliteStores({ file: join(dir, "dispatch.db"), clock: systemClock, onChange });
      return { stores, close: () => stores.close() };
    },
    workerCommand: [process.execPath, "--version"],
    baseEnv: process.env,
    workerEnv: {},
    log,
    ...(reconcileMs === undefined ? {} : { reconcileMs }),
  });
  return {
    ...server,
    log,
    dir,
    async dispose() {
      await endWorkers(server);
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

type ConfigParts = {
  readonly limits: object;
  readonly engine: string | undefined;
  /** Further settings of the endpoint PROGRAM. */
  readonly program: object;
};

function config({ limits, engine, program: further }: ConfigParts) {
  const program = join(import.meta.dirname, "..", "fixtures", "programs", "runpod-worker.mjs");
  const parsed = parseConfig(
    JSON.stringify({
      limits,
      ...(engine !== undefined && { publicUrl: "http://127.0.0.1:9" }),
      pools: {
        ...(engine !== undefined && { engine: enginePool(engine) }),
        local: { driver: "local", kind: "cpu", cards: 0, maxWorkers: 4 },
        full: { driver: "local", kind: "npu", cards: 1 },
      },
      endpoints: [
        {
          name: PROGRAM,
          pool: "local",
          startedBy: "api",
          command: [process.execPath, program],
          ...further,
        },
        ...(engine === undefined
          ? []
          : [{ name: SLEEPER, pool: "engine", startedBy: "api", command: SLEEP }]),
        { name: PARKED, pool: "full", cards: 1, startedBy: "api", labels: ["runpod"] },
      ],
      tenants: [{ owner: "acme", ownerId: 4711, maxCards: 0 }],
      callbacks: { allow: ["127.0.0.1"] },
      apiKeys: [{ name: "test", owner: "acme", ownerId: 4711, hash: hashKey(API_KEY) }],
    }),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
}

const SLEEP = ["/bin/sleep", "600"];

function enginePool(host: string) {
  // Podman's own limits are above what a machine without CAP_SYS_RESOURCE allows.
  const ulimits = { nofile: 256, nproc: 8_192 };
  return { driver: "docker", kind: "cpu", host, image: TEST_IMAGE, network: "none", ulimits };
}

/** Workers outlive a server; not this one's. */
async function endWorkers({ deps }: RunningServer): Promise<void> {
  for (const { driver } of deps.pools.values()) {
    await until("the workers to be gone", async () => {
      const ids = await driver.list();
      await Promise.all(ids.map((id) => driver.stop(id, 0)));
      return ids.length === 0;
    });
  }
}
