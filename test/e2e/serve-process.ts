// `npm start` as a real process against the GitHub stand-in: it can be killed and started again on the same data.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { GithubStandIn, GithubStandInOptions } from "../fakes/github/stand-in.ts";
import { startGithubStandIn } from "../fakes/github/stand-in.ts";
import { pretendHost } from "../fakes/npu-smi/pretend-host.ts";
import { installRunnerStandIn } from "../fakes/runner/install.ts";
import { endLeft } from "./harness/end-left.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CLOCK_AHEAD = new URL("harness/clock-ahead.mjs", import.meta.url).href;
export const ORG = "e2e-org";

export type ServeProcess = {
  /** The dispatcher's base URL, the same over restarts; nobody listens there before `start`. */
  readonly url: string;
  readonly github: GithubStandIn;
  readonly dir: string;
  readonly dataDir: string;
  /** Every byte that any of its processes wrote to its streams. */
  output(): string;
  start(): Promise<void>;
  /** KILL: nothing is cleaned up. */
  kill(): Promise<void>;
  /** TERM, then waits. */
  close(): Promise<number | null>;
  /** Everything gone, workers too. */
  dispose(): Promise<void>;
};

export type ServeOptions = {
  readonly registration?: "token" | "jit" | "auto";
  readonly cards?: number;
  /** Cards of a pretended host, all of which every worker sees; absent: simulated ones, each worker's own. */
  readonly hostCards?: number;
  readonly env?: { readonly [name: string]: string };
  /** A patched copy of the source tree to run instead of this one. */
  readonly root?: string;
  /** Misbehaviour of the runner stand-in, see its faults.mjs. */
  readonly runnerFault?: string;
  /** What a test's world has beside: owners at GitHub, and the parts of dispatch.yaml about them. */
  readonly extend?: (
    github: GithubStandIn,
    at: { readonly ownerId: number; readonly url: string },
  ) => ConfigParts;
  /** Environment of the pool's workers, as `pools.local.env` of dispatch.yaml. */
  readonly workerEnv?: { readonly [name: string]: string };
  readonly github?: GithubStandInOptions;
  /** How far the server's clock is ahead of the machine's, ms; asked at each start. */
  readonly aheadMs?: () => number;
};

type ConfigParts = {
  readonly publicUrl?: string;
  /** Beside the pool "local", or instead of it. */
  readonly pools?: { readonly [name: string]: object };
  readonly endpoints?: readonly object[];
  readonly tenants?: readonly object[];
  readonly apiKeys?: readonly object[];
  readonly oidcIssuer?: string;
};

export async function createServe(options: ServeOptions = {}): Promise<ServeProcess> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-e2e-"));
  const dataDir = join(dir, "data");
  const github = await startGithubStandIn({ seed: 7, ...options.github });
  const org = github.addOrganization(ORG);
  github.addRepository(ORG, "repo");
  await mkdir(dataDir, { recursive: true });
  const runnerHome = await installRunnerStandIn(join(dir, "runner"));
  if (options.runnerFault !== undefined)
    await writeFile(join(runnerHome, ".stand-in-fault"), options.runnerFault);
  const config = join(dir, "dispatch.yaml");
  // The same over restarts: workers call back to it.
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(config, configText(options, options.extend?.(github, { ...org, url })));
  await writeFile(join(dir, "app.pem"), github.privateKey);
  const path = [process.env["PATH"], join(ROOT, "test", "fakes", "npu-smi")];
  const { hostCards } = options;
  const env = {
    // A machine with a driver uses its own npu-smi, but for cards that it does not have.
    PATH: (hostCards === undefined ? path : path.reverse()).join(delimiter),
    ...(hostCards !== undefined && {
      NPU_DISPATCH_DEVICE_DIR: await pretendHost(join(dir, "dev"), hostCards),
    }),
    HOME: dir,
    GITHUB_APP_ID: String(github.appId),
    GITHUB_APP_PRIVATE_KEY_FILE: join(dir, "app.pem"),
    GITHUB_WEBHOOK_SECRET: github.webhookSecret,
    GITHUB_API_URL: github.apiUrl,
    RUNNER_HOME: runnerHome,
    ...options.env,
  };
  const printed: string[] = [];
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const args = ["functions/serve.ts", "--port", String(port), "--data", dataDir, "--config", config];
    const aheadMs = options.aheadMs?.() ?? 0;
    const serve = spawn(process.execPath, aheadMs === 0 ? args : ["--import", CLOCK_AHEAD, ...args], {
      cwd: options.root ?? ROOT,
      env: { ...env, CLOCK_AHEAD_MS: String(aheadMs) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = serve;
    let text = "";
    for (const stream of [serve.stdout, serve.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        printed.push(chunk);
      });
    }
    const listening = () => {
      const listensAt = /"url":"(http:[^"]+)"/.exec(text)?.[1];
      const hasEnded = serve.exitCode !== null || serve.signalCode !== null;
      if (hasEnded && listensAt === undefined)
        throw new Error(`the server ended before it listened. ${text}`);
      return listensAt;
    };
    const url = await until("the server to listen", listening, { detail: () => text });
    github.setWebhook(`${url}/webhooks/github`);
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return running?.exitCode ?? null;
    return new Promise((resolve) => {
      running.once("exit", (code) => resolve(code));
      running.kill(signal);
    });
  }

  return {
    url,
    github,
    dir,
    dataDir,
    output: () => printed.join(""),
    start,
    kill: async () => void (await end("SIGKILL")),
    close: () => end("SIGTERM"),
    async dispose() {
      await end("SIGKILL");
      endLeft(dir);
      await github.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function configText(
  { registration = "token", cards = 8, workerEnv = {} }: ServeOptions,
  { endpoints = [], tenants = [], pools = {}, ...rest }: ConfigParts = {},
): string {
  return JSON.stringify({
    ...rest,
    pools: {
      local: { driver: "local", kind: "npu", cards, env: asRoot(workerEnv) },
      ...pools,
    },
    endpoints: [{ name: "linux-arm64-npu-{npus}", npus: [1, 2], pool: "local", registration }, ...endpoints],
    tenants: [{ owner: ORG }, ...tenants],
  });
}

/** A test may be root's, and its runners run so unless they have a user. */
function asRoot(env: { readonly [name: string]: string }): { readonly [name: string]: string } {
  return "RUNNER_USER" in env ? env : { RUNNER_ALLOW_RUNASROOT: "1", ...env };
}
