// Everything in one process: both HTTP planes, the changes of its own writes, and the clock.
import { Hono } from "hono";
import { createSeal } from "../shared/adapters/crypto/seal.ts";
import { createWorkerTokens } from "../shared/adapters/crypto/worker-token.ts";
import { createGithub } from "../shared/adapters/github/github.ts";
import { rateLimited } from "../shared/adapters/log/rate-limited.ts";
import { createJobWatches } from "../shared/adapters/store/job-watches.ts";
import { steadyClock } from "../shared/adapters/system/clock.ts";
import { createDiskWatch } from "../shared/adapters/system/disk-watch.ts";
import { systemRandom } from "../shared/adapters/system/random.ts";
import type { Config } from "../shared/config/config.ts";
import type { Secrets } from "../shared/config/secrets.ts";
import type { ApiStores } from "../shared/ports/api-store.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Change, Stores } from "../shared/ports/store.ts";
import type { WorkerTokens } from "../shared/ports/worker-token.ts";
import { siteUrl } from "../shared/protocol/github-api.ts";
import type { ApiDeps } from "../shared/usecases/client-plane/api-deps.ts";
import { createSendAtOnce, owesFirstTry } from "../shared/usecases/client-plane/send-at-once.ts";
import { handleChange } from "../shared/usecases/handle-change.ts";
import { receiveDelivery } from "../shared/usecases/intake/receive-delivery.ts";
import { receiveInstallation } from "../shared/usecases/intake/receive-installation.ts";
import { lastPass, leaveNoTime } from "../shared/usecases/reconcile/pass/pass-lock.ts";
import { recover } from "../shared/usecases/reconcile/recover.ts";
import type { ChangeQueue } from "./change-queue.ts";
import { createChangeQueue } from "./change-queue.ts";
import { createDeps, deploymentOf } from "./deps.ts";
import { createPlanes } from "./http/planes.ts";
import { problem, unknownPath } from "./http/problem.ts";
import { createWebhookApp, WEBHOOK_PATH } from "./http/webhook/app.ts";
import { createSignatureCheck } from "./http/webhook/signature.ts";
import { createHttpServer } from "./http-server.ts";
import type { PoolParts } from "./pools.ts";
import { createPools } from "./pools.ts";
import { startReconcileTimer } from "./reconcile-timer.ts";

export type ServerOptions = Pick<PoolParts, "workerCommand" | "deviceDir" | "baseEnv" | "workerEnv"> & {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Folder for the pools' own files. */
  readonly poolsDir: string;
  /** For runners of local pools under another user, who may not enter that one. */
  readonly runnersDir?: string;
  readonly openStores: (onChange: (change: Change) => void) => Promise<OpenStores>;
  readonly log: Log;
  readonly reconcileMs?: number;
};

export type OpenStores = {
  readonly stores: Stores & { readonly api: ApiStores };
  readonly close: () => void;
};

export type RunningServer = {
  readonly url: string;
  readonly deps: ApiDeps;
  /** Resolves when every change so far has been handled. */
  idle(): Promise<void>;
  close(): Promise<void>;
};

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { log } = options;
  const tokens = createWorkerTokens(options.secrets.dispatchSecret, options.secrets.dispatchSecretPrevious);
  const changes: Change[] = [];
  let push = (change: Change): void => void changes.push(change);
  const watches = createJobWatches();
  const { stores, close: closeStores } = await options.openStores((change) => {
    watches.notice(change);
    push(change);
  });
  steadyClock.resume(await lastPass(stores.marks));
  let app = notReady();
  const { limits } = options.config;
  const http = createHttpServer((request, env) => app.fetch(request, env), { limits, log });
  const url = await http.listen(options);
  const publicUrl = options.config.publicUrl ?? url;
  const deployment = await deploymentOf(stores, systemRandom);
  const pools = { ...options, dir: options.poolsDir, deployment, clock: steadyClock };
  const deps = createDeps({
    config: options.config,
    secrets: options.secrets,
    stores,
    watches,
    clock: steadyClock,
    random: systemRandom,
    log,
    github: githubOf(options, stores),
    pools: await createPools(options.config, pools),
    isDiskLow: createDiskWatch(options.poolsDir, limits.freeDiskBytes, log),
    deployment,
    tokens,
    publicUrl,
    githubUrl: siteUrl(options.secrets.githubApiUrl),
  });
  const queue = createQueues(deps);
  push = queue.push;
  changes.splice(0).forEach(push);
  app = createApp(deps, options, { tokens, publicUrl, closing: http.closing });
  await recover(deps).catch((error: unknown) => {
    // A pool that does not answer holds up itself alone; the next pass tries again.
    log.error("recover-failed", { error });
  });
  const timer = startReconcileTimer(deps, options.reconcileMs);
  log.info("listening", { url });
  return {
    url,
    deps,
    idle: queue.idle,
    async close() {
      await timer.stop();
      await http.close();
      await queue.close();
      await leaveNoTime(stores.marks).catch((error: unknown) => log.error("time-not-left", { error }));
      closeStores();
    },
  };
}

/** Callbacks have a queue of their own: a slow receiver holds up no change of its job. */
function createQueues(deps: ApiDeps): ChangeQueue {
  const { log } = deps;
  const queue = createChangeQueue({ handle: (change) => handleChange(deps, change), log });
  const callbacks = createChangeQueue({ handle: createSendAtOnce(deps), log });
  return {
    push(change) {
      queue.push(change);
      if (owesFirstTry(change)) callbacks.push(change);
    },
    async idle() {
      await queue.idle();
      await callbacks.idle();
    },
    async close() {
      await queue.close();
      await callbacks.close();
    },
  };
}

/** RunPod's SDK 1.7.3 to 1.7.5 give up after 30 s; an answer on its way into a closed socket costs a delivery. */
const WORKER_HOLD_MS = 20_000;
/** The longest that RunPod's clients may ask for; unless told otherwise they are held for 90 s (docs/api.md). */
const HOLD_MS = 300_000;

type AppParts = {
  readonly tokens: WorkerTokens;
  readonly publicUrl: string;
  /** Aborted when the server closes: clients that it holds are answered at once. */
  readonly closing?: AbortSignal;
};

/** Every route that there is on this server. */
export function createApp(
  deps: ApiDeps,
  options: Pick<ServerOptions, "config" | "secrets">,
  { tokens, publicUrl, closing }: AppParts,
): Hono {
  const { log } = deps;
  const { config } = options;
  const rejectionLog = rateLimited(log, { clock: deps.clock });
  const app = new Hono();
  app.notFound(unknownPath);
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.route("/", createWebhooks(deps, options, rejectionLog));
  app.route(
    "/",
    createPlanes(deps, {
      config,
      tokens,
      publicUrl,
      // A result may be as large as a runsync body.
      limits: { ...config.limits.body, holdMs: HOLD_MS },
      maxTextBytes: undefined,
      workerHoldMs: WORKER_HOLD_MS,
      adminKey: options.secrets.adminKey,
      rejectionLog,
      ...(closing && { closing }),
    }),
  );
  return app;
}

function createWebhooks(
  deps: ApiDeps,
  { config, secrets }: Pick<ServerOptions, "config" | "secrets">,
  rejectionLog: Log,
): Hono {
  if (secrets.app === undefined) return webhooksWithoutApp();
  const [current, previous] = secrets.app.webhookSecrets;
  if (current === undefined) throw new TypeError("no webhook secret");
  return createWebhookApp({
    checkSignature: createSignatureCheck(current, previous),
    receiveDelivery: (word) => receiveDelivery(deps, word),
    receiveInstallation: (event) => receiveInstallation(deps, event),
    json: config.limits.body,
    log: deps.log,
    rejectionLog,
    maxBytes: config.limits.maxDeliveryBytes,
  });
}

function webhooksWithoutApp(): Hono {
  const app = new Hono();
  const detail =
    "this dispatcher has no GitHub App: it takes no deliveries. Start it with GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY_FILE and GITHUB_WEBHOOK_SECRET";
  app.post(WEBHOOK_PATH, (c) => problem(c, { status: 404, title: "No GitHub App", detail }));
  return app;
}

function githubOf({ secrets, log }: ServerOptions, { marks }: Pick<Stores, "marks">) {
  const { githubApiUrl: apiUrl } = secrets;
  const app = secrets.app && { appId: secrets.app.appId, privateKey: secrets.app.appPrivateKey };
  const seal = createSeal(secrets.dispatchSecret, secrets.dispatchSecretPrevious);
  const keep = { marks, seal };
  return createGithub({ app, apiUrl, clock: steadyClock, random: systemRandom, log, keep });
}

function notReady(): Hono {
  const app = new Hono();
  const starting = { status: 503, title: "Starting", detail: "try again in a second" } as const;
  app.all("*", (c) => problem(c, { ...starting, retryAfterMs: 1_000 }));
  return app;
}
