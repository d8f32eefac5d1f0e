// What a call of the client plane costs: CPU of the server's thread over real HTTP and the embedded store, route by route.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { createClientApp } from "../functions/http/client/app.ts";
import { createApiAuth, hashKey } from "../functions/http/client/auth.ts";
import { parseRunBody } from "../functions/http/client/run-body.ts";
import { bindUseCases } from "../functions/http/client/use-cases.ts";
import { createRateLimiter } from "../functions/http/rate-limit.ts";
import { createSqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import { jobId, tenantId } from "../shared/domain/ids.ts";
import { endedApi } from "../shared/domain/job/api-steps.ts";
import type { ApiDeps } from "../shared/usecases/client-plane/api-deps.ts";
import { replaceSeen } from "../shared/usecases/update.ts";
import { aTemplate } from "../test/domain/builders.ts";
import { aBody, aDesk } from "../test/fakes/bodies.ts";
import { ACME, createWorld } from "../test/fakes/world.ts";
import type { Answers, Load } from "./api-client.ts";

const ENDPOINT = "bench";
const KEY = `npud_${"k".repeat(40)}`;
const CALLS = 600;
const WARM_UP = 200;
const AT_ONCE = 4;
const OPEN_JOBS = 10;
const PURGED = 1_000;
const COUNT_IS_OLD_MS = 5_100;
const US_PER_MS = 1_000;
const HEADERS = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
const REPEATED = { idempotencyKey: "bench" } as const;
const REPEAT = { "idempotency-key": REPEATED.idempotencyKey };
const BODY = JSON.stringify({ input: { prompt: "x".repeat(500) } });

/**
 * `<route>CpuMs`: CPU of one call, ms, in a warm process with 4 calls under way; `<route>Ratio`: in empty routes of the
 * same server. Long polls and runsync are those of a job that has ended. `purgeMs`: one call that removes `purged` queued
 * jobs.
 */
export async function run(): Promise<Record<string, number>> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
  const stores = createSqliteStores({
    file: join(dir, "dispatch.db"),
    clock: systemClock,
    onChange: () => undefined,
  });
  const deps = depsOver(stores);
  const server = await listen(appOver(deps));
  const client = new Worker(new URL("./api-client.ts", import.meta.url));
  try {
    return await measure({ deps, client, url: server.url });
  } finally {
    await client.terminate();
    server.close();
    stores.close();
    await rm(dir, { recursive: true, force: true });
  }
}

type Bench = { readonly deps: ApiDeps; readonly client: Worker; readonly url: string };
type Route = {
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly paths: readonly string[];
  readonly atOnce?: number;
};

async function measure(bench: Bench): Promise<Record<string, number>> {
  const at = `/v2/${ENDPOINT}`;
  const { deps } = bench;
  const open = await queue(deps, OPEN_JOBS);
  const ended = await queue(deps, 1);
  await end(deps, ended, "COMPLETED");
  const of = (name: string, method: "GET" | "POST", paths: readonly string[]): Route => ({
    name,
    method,
    paths,
  });
  const paths = (route: string, ids: readonly string[]) => ids.map((id) => `${at}/${route}/${id}`);
  const reads = [
    of("status", "GET", paths("status", open)),
    of("statusSync", "GET", paths("status-sync", ended)),
    of("stream", "GET", paths("stream", ended)),
    of("health", "GET", [`${at}/health`]),
    // As many at once as are taken: a listing lets others' calls in between.
    { ...of("requests", "GET", [`${at}/requests`]), atOnce: 2 },
    of("cancelEnded", "POST", paths("cancel", ended)),
  ];
  const empty = await cpuOf(bench, of("empty", "GET", ["/empty"]));
  const costs: [string, number][] = [];
  for (const route of reads) costs.push([route.name, await cpuOf(bench, route)]);
  await end(deps, [await queueOne(deps, REPEATED)], "COMPLETED");
  costs.push([
    "runsyncRepeated",
    await cpuOf(bench, of("runsyncRepeated", "POST", [`${at}/runsync`]), REPEAT),
  ]);
  costs.push(["run", await cpuOf(bench, of("run", "POST", [`${at}/run`]))]);
  await emptyQueue(bench);
  const failed = await queue(deps, CALLS + WARM_UP);
  await end(deps, failed, "FAILED");
  costs.push(["retry", await cpuOf(bench, of("retry", "POST", paths("retry", failed)))]);
  costs.push(["cancel", await cpuOf(bench, of("cancel", "POST", paths("cancel", failed)))]);
  const figures = costs.flatMap(([name, cost]) => [
    [`${name}CpuMs`, round(cost)],
    [`${name}Ratio`, round(cost / empty)],
  ]);
  return { emptyCpuMs: round(empty), ...Object.fromEntries(figures), ...(await purge(bench)) };
}

async function cpuOf(bench: Bench, route: Route, extra: Load["headers"] = {}): Promise<number> {
  const load = {
    ...route,
    url: bench.url,
    headers: { ...HEADERS, ...extra },
    body: route.method === "POST" ? BODY : undefined,
    atOnce: route.atOnce ?? AT_ONCE,
  };
  await send(bench, { ...load, count: WARM_UP });
  // What is used up by a call is used up in order: the measured calls get the rest.
  const rest = route.paths.length > WARM_UP ? route.paths.slice(WARM_UP) : route.paths;
  const before = process.threadCpuUsage();
  const answers = await send(bench, { ...load, paths: rest, count: CALLS });
  const { user, system } = process.threadCpuUsage(before);
  if (answers[200] !== CALLS) throw new Error(`${route.name}: ${JSON.stringify(answers)}`);
  return (user + system) / US_PER_MS / CALLS;
}

async function purge(bench: Bench): Promise<Record<string, number>> {
  await emptyQueue(bench);
  await queue(bench.deps, PURGED);
  const cpu = process.threadCpuUsage();
  const startedAt = performance.now();
  const { removed } = await purgeQueue(bench);
  const ms = performance.now() - startedAt;
  const { user, system } = process.threadCpuUsage(cpu);
  if (removed !== PURGED) throw new Error(`${removed} jobs were purged, not ${PURGED}`);
  return { purged: removed, purgeMs: Math.round(ms), purgeCpuMs: Math.round((user + system) / US_PER_MS) };
}

async function purgeQueue({ url }: Bench): Promise<{ removed: number }> {
  const answer = await fetch(`${url}/v2/${ENDPOINT}/purge-queue`, { method: "POST", headers: HEADERS });
  return (await answer.json()) as { removed: number };
}

/** So that the limit of open jobs of a tenant, which is counted every 5 s, is not met. */
async function emptyQueue(bench: Bench): Promise<void> {
  await purgeQueue(bench);
  await setTimeout(COUNT_IS_OLD_MS);
}

async function send({ client }: Bench, load: Load): Promise<Answers> {
  client.postMessage(load);
  const [answers] = await once(client, "message");
  return answers as Answers;
}

const CALLER = { tenant: tenantId(4711), login: ACME.owner, repositoryId: undefined, run: undefined };

async function queue(deps: ApiDeps, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number++) ids.push(await queueOne(deps, {}));
  return ids;
}

/** With a key it is the job that a later request with this key and body gets. */
async function queueOne(deps: ApiDeps, key: { readonly idempotencyKey?: string }): Promise<string> {
  const request = parseRunBody(aBody(BODY));
  if (request.type !== "parsed") throw new Error(request.message);
  const call = { body: request.body, rawHash: request.rawHash, kind: "async" as const, ...key };
  const outcome = await bindUseCases(deps).runJob(CALLER, ENDPOINT, call);
  if (outcome.type !== "accepted") throw new Error(`a job was not accepted: ${JSON.stringify(outcome)}`);
  return outcome.job.id;
}

async function end(deps: ApiDeps, ids: readonly string[], state: "COMPLETED" | "FAILED"): Promise<void> {
  for (const id of ids) {
    const job = await deps.stores.jobs.get(jobId(id));
    if (job === undefined) throw new Error(`no job ${id}`);
    const ended = endedApi(job, { state, reason: "worker-failed", message: "bench" }, Date.now());
    await replaceSeen(deps.stores.jobs, job, ended);
  }
}

/** Nothing dispatches: what is queued stays queued. */
function depsOver(stores: ReturnType<typeof createSqliteStores>): ApiDeps {
  const template = aTemplate({
    name: ENDPOINT,
    selector: ENDPOINT,
    cards: 1,
    counts: [],
    command: ["bench"],
  });
  const { deps } = createWorld({ templates: [template], tenants: [ACME] });
  return { ...deps, stores, apiStores: stores.api, clock: systemClock };
}

function appOver(deps: ApiDeps): Hono {
  // The limits would stop the bench: each call comes in a window of its own.
  let now = 0;
  const walking = { now: () => (now += 60_000) };
  const client = createClientApp({
    useCases: bindUseCases(deps),
    desk: aDesk(),
    payloads: deps.apiStores.payloads,
    maxInputBytes: undefined,
    authenticate: createApiAuth({
      apiKeys: deps.apiStores.apiKeys,
      configuredKeys: [
        { hash: hashKey(KEY), tenant: CALLER.tenant, login: ACME.owner, name: "bench", createdAt: 0 },
      ],
      oidc: { verify: () => Promise.reject(new Error("no OIDC here")) },
      tenantStore: deps.stores.tenants,
      tenants: deps.tenants,
    }),
    rateLimiter: createRateLimiter(walking),
    isEndpoint: () => true,
    runningWorkers: async () => 0,
    limits: { runBytes: 10_000_000, runsyncBytes: 20_000_000, holdMs: 20_000 },
    log: deps.log,
    rejectionLog: deps.log,
  });
  const app = new Hono();
  app.get("/empty", (c) => c.json({}));
  app.route("/", client);
  return app;
}

function listen(app: Hono): Promise<{ url: string; close: () => void }> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve({ url: `http://127.0.0.1:${port}`, close: () => server.closeAllConnections() });
    });
  });
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
