// The planes over one set of use cases: clients and operators first, since the worker plane closes every connection.

import { Hono } from "hono";
import { createOidcVerifier } from "../../shared/adapters/oidc/oidc-verifier.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerTokens } from "../../shared/ports/worker-token.ts";
import type { Redacted } from "../../shared/redacted.ts";
import type { ApiDeps } from "../../shared/usecases/client-plane/api-deps.ts";
import { endpointNamed } from "../../shared/usecases/client-plane/api-deps.ts";
import { createRunningWorkers } from "../../shared/usecases/client-plane/running-workers.ts";
import type { Desk } from "./body/desk.ts";
import { createDesk } from "./body/desk.ts";
import type { ClientPlane } from "./client/app.ts";
import { createClientApp } from "./client/app.ts";
import { createApiAuth } from "./client/auth.ts";
import { bindUseCases } from "./client/use-cases.ts";
import type { OperatorPlane } from "./operator/app.ts";
import { createOperatorApp } from "./operator/app.ts";
import { bindOperatorUseCases } from "./operator/use-cases.ts";
import { unknownPath } from "./problem.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { createReferenceApp } from "./reference/app.ts";
import { createWorkerApp } from "./worker/app.ts";
import type { WorkerPlane } from "./worker/context.ts";
import { bindWorkerUseCases } from "./worker/use-cases.ts";

export type PlanesOptions = {
  readonly config: Config;
  readonly tokens: WorkerTokens;
  /** Audience of workflow steps' OIDC tokens. */
  readonly publicUrl: string;
  readonly limits: ClientPlane["limits"];
  /**
   * Longest input and output of a job as a text in JSON, bytes: a take or a status that tells it must be an answer that can
   * be given. undefined: as long as a body may be.
   */
  readonly maxTextBytes: number | undefined;
  /** How long a program's poll is held, ms; RunPod's SDK 1.7.3 gives up after 30 s. 0: each is answered at once. */
  readonly workerHoldMs: number;
  /** Of operators; without it there is no operator plane. */
  readonly adminKey: Redacted | undefined;
  readonly rejectionLog: Log;
  /** Aborted when the process ends; absent where it has no say in that. */
  readonly closing?: AbortSignal;
};

export function createPlanes(deps: ApiDeps, options: PlanesOptions): Hono {
  const app = new Hono();
  const desk = createDesk(options.config);
  app.route("/", createReferenceApp());
  app.route("/", createClientApp(clientPlane(deps, options, desk)));
  app.route("/", createOperatorApp(operatorPlane(deps, options)));
  app.route("/", createWorkerApp(workerPlane(deps, options, desk)));
  app.notFound(unknownPath);
  return app;
}

function clientPlane(deps: ApiDeps, options: PlanesOptions, desk: Desk): ClientPlane {
  const { config, publicUrl: audience, limits, rejectionLog } = options;
  const { clock, random, log, stores, apiStores, tenants } = deps;
  // Its tokens are of the issuer's time: the machine's clock is nearer to that, should it have been set.
  const oidc = createOidcVerifier({ issuer: config.oidcIssuer, audience, clock: systemClock, random });
  return {
    useCases: bindUseCases(deps),
    desk,
    payloads: apiStores.payloads,
    authenticate: createApiAuth({
      apiKeys: apiStores.apiKeys,
      configuredKeys: config.apiKeys,
      oidc,
      tenantStore: stores.tenants,
      tenants,
    }),
    rateLimiter: createRateLimiter(clock),
    runningWorkers: createRunningWorkers(deps),
    isEndpoint: (name) => endpointNamed(deps, name) !== undefined,
    limits,
    maxInputBytes: options.maxTextBytes,
    closing: options.closing,
    log,
    rejectionLog,
  };
}

function operatorPlane(deps: ApiDeps, { config, adminKey, rejectionLog }: PlanesOptions): OperatorPlane {
  const { clock, log } = deps;
  const useCases = bindOperatorUseCases(deps, config.apiKeys);
  return { useCases, adminKey, rateLimiter: createRateLimiter(clock), log, rejectionLog };
}

function workerPlane(deps: ApiDeps, options: PlanesOptions, desk: Desk): WorkerPlane {
  const { tokens, rejectionLog, limits, workerHoldMs: holdMs } = options;
  return {
    useCases: bindWorkerUseCases(deps, { holdMs }),
    desk,
    payloads: deps.apiStores.payloads,
    tokens,
    log: deps.log,
    rejectionLog,
    maxResultBytes: limits.runsyncBytes + AROUND_RESULT_BYTES,
    maxOutputBytes: options.maxTextBytes,
  };
}

/** `{"output":…,"stopPod":true}` and what escaping adds. */
const AROUND_RESULT_BYTES = 1_000_000;
