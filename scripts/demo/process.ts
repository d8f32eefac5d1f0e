// The demo's dispatcher as one process, over the embedded store or DynamoDB.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { startServer } from "../../functions/server.ts";
import { workerCommand } from "../../functions/worker-command.ts";
import { createJsonLog } from "../../shared/adapters/log/json-log.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { systemRandom } from "../../shared/adapters/system/random.ts";
import { redact } from "../../shared/redacted.ts";
import type { GithubStandIn } from "../../test/fakes/github/stand-in.ts";
import { startGithubStandIn } from "../../test/fakes/github/stand-in.ts";
import { pretendHost } from "../../test/fakes/npu-smi/pretend-host.ts";
import { installRunnerStandIn } from "../../test/fakes/runner/install.ts";
import type { DemoPoolKind } from "./options.ts";
import { openDemoPool } from "./pools.ts";
import { DEMO_ORG, DEMO_POOL } from "./run.ts";
import { openDynamodb, openSqlite } from "./stores.ts";
import type { DemoWorld } from "./world.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SECRET_LENGTH = 48;

export type DemoProcessOptions = {
  readonly store: "sqlite" | "dynamodb";
  readonly pool?: DemoPoolKind | undefined;
  /** Of workers in containers. */
  readonly image?: string | undefined;
  /** Cards of a pretended host; undefined: this machine's, or simulated ones. */
  readonly hostCards?: number | undefined;
  readonly log: (line: string) => void;
};

export async function startDemoProcess(options: DemoProcessOptions): Promise<DemoWorld> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  try {
    return { ...(await openParts(options, undo)), summary: () => [], close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `undo`: what closes the parts that there are, the last one first. */
async function openParts(
  options: DemoProcessOptions,
  undo: (() => Promise<unknown>)[],
): Promise<Omit<DemoWorld, "summary" | "close">> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-demo-"));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  const github = await startGithubStandIn({ seed: 1 });
  undo.push(() => github.stop());
  github.addOrganization(DEMO_ORG);
  const runnerHome = await installRunnerStandIn(join(dir, "runner"));
  const { hostCards } = options;
  const deviceDir = hostCards === undefined ? undefined : await pretendHost(join(dir, "dev"), hostCards);
  const path = demoPath(hostCards !== undefined);
  const poolDir = join(dir, "cluster");
  await mkdir(poolDir);
  const { config, close: closePool } = await openDemoPool(options.pool ?? "local", {
    dir: poolDir,
    workerEnv: { ...demoWorkerEnv(runnerHome), PATH: path, GITHUB_API_URL: github.apiUrl },
    image: options.image,
  });
  undo.push(closePool);
  const server = await startServer({
    config,
    secrets: demoSecrets(github),
    host: "127.0.0.1",
    port: 0,
    poolsDir: join(dir, "pools"),
    openStores: async (onChange) =>
      options.store === "sqlite" ? openSqlite(dir, onChange) : openDynamodb(onChange),
    workerCommand: workerCommand(),
    deviceDir,
    baseEnv: { ...process.env, PATH: path },
    workerEnv: demoWorkerEnv(runnerHome),
    log: createJsonLog({ write: options.log, clock: systemClock }),
  });
  undo.push(() => server.close());
  github.setWebhook(`${server.url}/webhooks/github`);
  const pool = server.deps.pools.get(DEMO_POOL)?.driver;
  if (pool === undefined) throw new TypeError(`the demo's configuration has a pool "${DEMO_POOL}"`);
  return { github, stores: server.deps.stores, pool };
}

/** The stand-in for npu-smi comes last: a machine with a driver uses its own, but for cards that it does not have. */
function demoPath(isPretended: boolean): string {
  const path = [process.env["PATH"], join(ROOT, "test", "fakes", "npu-smi")];
  return (isPretended ? path.reverse() : path).join(delimiter);
}

/** The stand-in refuses root as the real runner does, unless it is told that root is meant. */
function demoWorkerEnv(runnerHome: string): { [name: string]: string } {
  return { RUNNER_HOME: runnerHome, RUNNER_HOME_SHARED: "1", RUNNER_ALLOW_RUNASROOT: "1" };
}

function demoSecrets(github: GithubStandIn) {
  return {
    app: {
      webhookSecrets: [redact(github.webhookSecret)],
      appId: String(github.appId),
      appPrivateKey: redact(github.privateKey),
    },
    githubApiUrl: github.apiUrl,
    dispatchSecret: redact(systemRandom.token(SECRET_LENGTH)),
    dispatchSecretPrevious: undefined,
  };
}
