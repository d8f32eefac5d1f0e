// Both planes in one app over a world in memory, its clients with their credentials, and a worker's hand for their jobs.
import { Hono } from "hono";
import type { ClientPlane } from "../../../../functions/http/client/app.ts";
import { createClientApp } from "../../../../functions/http/client/app.ts";
import { createApiAuth, hashKey } from "../../../../functions/http/client/auth.ts";
import { bindUseCases } from "../../../../functions/http/client/use-cases.ts";
import { createRateLimiter } from "../../../../functions/http/rate-limit.ts";
import { rateLimited } from "../../../../shared/adapters/log/rate-limited.ts";
import { createOidcVerifier } from "../../../../shared/adapters/oidc/oidc-verifier.ts";
import { DEFAULT_TENANT_SETTINGS } from "../../../../shared/domain/admission/tenant.ts";
import { jobId, tenantId } from "../../../../shared/domain/ids.ts";
import type { ApiEnd } from "../../../../shared/domain/job/api-steps.ts";
import { endedApi, startedApi } from "../../../../shared/domain/job/api-steps.ts";
import type { Job } from "../../../../shared/domain/job/job.ts";
import { inlinePayload } from "../../../../shared/domain/job/payload.ts";
import type { Clock } from "../../../../shared/ports/clock.ts";
import { endpointNamed } from "../../../../shared/usecases/client-plane/api-deps.ts";
import { createRunningWorkers } from "../../../../shared/usecases/client-plane/running-workers.ts";
import { updateJob } from "../../../../shared/usecases/update.ts";
import { aTemplate, T0, TENANT } from "../../../domain/builders.ts";
import { aDesk } from "../../../fakes/bodies.ts";
import type { OidcIssuer } from "../../../fakes/oidc-issuer.ts";
import { AUDIENCE } from "../../../fakes/oidc-issuer.ts";
import { ACME } from "../../../fakes/world.ts";
import { expectPromised } from "../contract.ts";
import type { HttpWorld } from "../http-world.ts";
import { createHttpWorld } from "../http-world.ts";

/** Its workers are the endpoint's own program: input and output are any JSON. */
export const ECHO = "echo";
/** Its workers register runners. */
export const RUNNER = "linux-arm64-npu-1";
export const KEY = `npud_${"a".repeat(40)}`;
export const OTHER_KEY = `npud_${"b".repeat(40)}`;
/** Of the tenant of KEY, once. */
export const REVOKED_KEY = `npud_${"c".repeat(40)}`;
const GLOBEX = tenantId(4712);
/** As a part of an answer; of a Lambda it is 5.5 MB. */
export const MAX_INPUT_BYTES = 300_000;
export const HOLD_MS = 150;

export type ClientWorld = HttpWorld & {
  /** Client plane first, then worker plane: as serve mounts them. */
  readonly app: Hono;
  /** The same requests as a client makes them; every answer must be one that /openapi.json promises. */
  call(method: string, path: string, init?: CallInit): Promise<Answered>;
  /** A job of ECHO's queue, by KEY. */
  queue(input?: unknown, kind?: "run" | "runsync"): Promise<string>;
  start(id: string): Promise<void>;
  end(id: string, end?: Partial<Omit<ApiEnd, "output">> & { readonly output?: unknown }): Promise<void>;
  job(id: string): Promise<Job>;
};

type CallInit = {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
};
type Answered = {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
};

export type ClientWorldOptions = {
  readonly issuer?: Pick<OidcIssuer, "url">;
  readonly plane?: Partial<ClientPlane>;
  /** Of Acme's, in dispatch.yaml. */
  readonly repositories?: readonly string[];
};

export async function createClientWorld(options: ClientWorldOptions = {}): Promise<ClientWorld> {
  const world = createHttpWorld({
    templates: [
      aTemplate({
        name: ECHO,
        selector: ECHO,
        labels: [],
        cards: 1,
        counts: [],
        startedBy: "api",
        command: ["echo"],
      }),
      aTemplate({
        name: RUNNER,
        selector: RUNNER,
        labels: ["runpod"],
        cards: 1,
        counts: [],
        startedBy: "api",
      }),
    ],
    tenants: [
      { ...ACME, repositories: options.repositories },
      { ...DEFAULT_TENANT_SETTINGS, owner: "globex" },
    ],
  });
  const clock = walkingClock(world.clock);
  const { deps, apiStores, log } = world;
  for (const [key, tenant, login] of [
    [KEY, TENANT, "Acme"],
    [OTHER_KEY, GLOBEX, "globex"],
  ] as const) {
    await apiStores.apiKeys.create({ hash: hashKey(key), tenant, login, name: "test", createdAt: T0 });
  }
  const revoked = { at: T0, reason: "leaked", by: "admin" };
  const taken = { hash: hashKey(REVOKED_KEY), tenant: TENANT, login: "Acme", name: "test", createdAt: T0 };
  await apiStores.apiKeys.create({ ...taken, revoked });
  const client = createClientApp({
    useCases: bindUseCases({ ...deps, clock }),
    desk: aDesk(),
    payloads: deps.apiStores.payloads,
    maxInputBytes: MAX_INPUT_BYTES,
    authenticate: createApiAuth({
      apiKeys: deps.apiStores.apiKeys,
      configuredKeys: [],
      oidc: createOidcVerifier({
        issuer: options.issuer?.url ?? "http://127.0.0.1:1",
        audience: AUDIENCE,
        clock: world.clock,
        random: deps.random,
      }),
      tenantStore: deps.stores.tenants,
      tenants: deps.tenants,
    }),
    rateLimiter: createRateLimiter(world.clock),
    runningWorkers: createRunningWorkers(deps),
    isEndpoint: (name) => endpointNamed(deps, name) !== undefined,
    limits: { runBytes: 10_000_000, runsyncBytes: 20_000_000, holdMs: HOLD_MS },
    log,
    rejectionLog: rateLimited(log, { clock: world.clock }),
    ...options.plane,
  });
  const app = new Hono();
  app.route("/", client);
  app.route("/", world.workerPlane);
  return Object.assign(world, { app, call, queue, start, end, job });

  async function call(method: string, path: string, { key = KEY, body, headers = {} }: CallInit = {}) {
    const response = await app.request(path, {
      method,
      headers: { ...(key === null ? {} : { authorization: key }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    expectPromised(method, path, response.status, text);
    return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
  }

  async function queue(input: unknown = {}, kind: "run" | "runsync" = "run"): Promise<string> {
    const { body } = await call("POST", `/v2/${ECHO}/${kind}`, { body: { input } });
    return body["id"] as string;
  }

  async function job(id: string): Promise<Job> {
    const found = await world.stores.jobs.get(jobId(id));
    if (found === undefined) throw new Error(`no job ${id}`);
    return found;
  }

  async function start(id: string): Promise<void> {
    await updateJob(world.stores.jobs, jobId(id), (current) => startedApi(current, clock.now()));
  }

  async function end(id: string, { output, ...rest }: Parameters<ClientWorld["end"]>[1] = {}): Promise<void> {
    const payload = output === undefined ? {} : { output: inlinePayload(JSON.stringify(output)) };
    const word: ApiEnd = { state: "COMPLETED", reason: "succeeded", message: "done", ...rest, ...payload };
    await updateJob(world.stores.jobs, jobId(id), (current) => endedApi(current, word, clock.now()));
  }
}

/** The world's clock, and between its turns real time: a long poll ends by it. */
function walkingClock(clock: Clock): Clock {
  const startedAt = performance.now();
  return { now: () => clock.now() + Math.floor(performance.now() - startedAt) };
}
