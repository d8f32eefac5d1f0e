// Both HTTP planes over a world in memory, the way serve wires them, and GitHub's own requests to them.
import { createHmac } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { createWebhookApp, WEBHOOK_PATH } from "../../../functions/http/webhook/app.ts";
import type { DeliveryDeps } from "../../../functions/http/webhook/handle-delivery.ts";
import { createSignatureCheck } from "../../../functions/http/webhook/signature.ts";
import { createWorkerApp } from "../../../functions/http/worker/app.ts";
import { bindWorkerUseCases } from "../../../functions/http/worker/use-cases.ts";
import { createWorkerTokens } from "../../../shared/adapters/crypto/worker-token.ts";
import { rateLimited } from "../../../shared/adapters/log/rate-limited.ts";
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import { endpointName } from "../../../shared/domain/ids.ts";
import type { WorkerClaims, WorkerTokens } from "../../../shared/ports/worker-token.ts";
import { redact } from "../../../shared/redacted.ts";
import { receiveDelivery } from "../../../shared/usecases/intake/receive-delivery.ts";
import { receiveInstallation } from "../../../shared/usecases/intake/receive-installation.ts";
import { POOL, TENANT } from "../../domain/builders.ts";
import { aDesk, LIMITS } from "../../fakes/bodies.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";
import { expectPromised } from "./contract.ts";

const SECRET = "webhook-secret-of-today";
export const OLD_SECRET = "webhook-secret-of-yesterday";
const DISPATCH_SECRET = "dispatch-secret-of-today";
const OLD_DISPATCH_SECRET = "dispatch-secret-of-yesterday";

export type HttpWorld = World & {
  readonly webhook: Hono;
  /** What `webhook` is made of, for the other edge. */
  readonly deliveries: DeliveryDeps;
  readonly workerPlane: ReturnType<typeof createWorkerApp>;
};

export const MAX_RESULT_BYTES = 200_000;
export const MAX_OUTPUT_BYTES = 220_000;

/** `holdMs`: how long a program's poll is held. */
export function createHttpWorld({
  holdMs = 0,
  maxOutputBytes = MAX_OUTPUT_BYTES,
  ...options
}: WorldOptions & { holdMs?: number; maxOutputBytes?: number } = {}): HttpWorld {
  const world = createWorld(options);
  const { deps, log, clock } = world;
  const rejectionLog = rateLimited(log, { clock });
  const deliveries: DeliveryDeps = {
    checkSignature: createSignatureCheck(redact(SECRET), redact(OLD_SECRET)),
    receiveDelivery: (word) => receiveDelivery(deps, word),
    receiveInstallation: (event) => receiveInstallation(deps, event),
    json: LIMITS.body,
    log,
    rejectionLog,
  };
  const webhook = createWebhookApp(deliveries);
  const workerPlane = createWorkerApp({
    useCases: bindWorkerUseCases(deps, { holdMs }),
    desk: aDesk(),
    payloads: deps.apiStores.payloads,
    maxResultBytes: MAX_RESULT_BYTES,
    maxOutputBytes,
    tokens: createWorkerTokens(redact(DISPATCH_SECRET), redact(OLD_DISPATCH_SECRET)),
    log,
    rejectionLog,
  });
  return Object.assign(world, { webhook, deliveries, workerPlane });
}

export function sign(body: string, secret = SECRET): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** GitHub's JSON of a word, the fields that are read and one that is not. */
export function jsonOf(word: WorkflowJobWord): string {
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
  return JSON.stringify({
    action: word.status,
    workflow_job: {
      id: word.workflowJobId,
      run_id: word.runId,
      run_attempt: word.runAttempt,
      name: word.name,
      workflow_name: word.workflowName,
      head_branch: word.headBranch,
      html_url: word.htmlUrl,
      labels: word.labels,
      status: word.status,
      conclusion: word.conclusion ?? null,
      runner_id: word.runner?.id ?? null,
      runner_name: word.runner?.name ?? null,
      created_at: time(word.createdAt),
      started_at: time(word.startedAt),
      steps: [],
    },
    repository: word.repository,
    installation: { id: word.installationId },
  });
}

/** Signed as GitHub does; `signature: null` leaves the header out. */
export function deliveryRequest(
  body: string,
  {
    event = "workflow_job",
    signature = sign(body),
    contentType = "application/json",
  }: { event?: string; signature?: string | null; contentType?: string } = {},
): Request {
  return new Request(`http://dispatch.test${WEBHOOK_PATH}`, {
    method: "POST",
    body,
    headers: {
      "content-type": contentType,
      "x-github-event": event,
      "x-github-delivery": "d-1",
      ...(signature === null ? {} : { "x-hub-signature-256": signature }),
    },
  });
}

/** The token of a worker, and the same claims under yesterday's secret and under a stranger's. */
export function tokensOf(claims: WorkerClaims) {
  const signedBy = (secret: string): string => tokensUnder(secret).sign(claims);
  return {
    right: signedBy(DISPATCH_SECRET),
    old: signedBy(OLD_DISPATCH_SECRET),
    foreign: signedBy("somebody-elses-secret"),
  };
}

function tokensUnder(secret: string): WorkerTokens {
  return createWorkerTokens(redact(secret));
}

/** A real server on 127.0.0.1. */
export async function listen(app: Pick<Hono, "fetch">): Promise<{ url: string; close(): Promise<void> }> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

export const ENDPOINT = endpointName("linux-aarch64-a2-1");

/** A world with one job, and the worker that was started for it. */
export async function started(world = createHttpWorld()) {
  const { workflowJobId } = world.github.queue();
  await world.deliver();
  const worker = world.pool.started[0]!.workerId;
  const claims: WorkerClaims = { worker, pool: POOL, endpoint: ENDPOINT, tenant: TENANT };
  return { world, worker, job: `gh-${workflowJobId}`, claims, tokens: tokensOf(claims) };
}

/** Every answer must be one that /openapi.json promises. */
export async function call(
  world: HttpWorld,
  token: string | undefined,
  method: string,
  path: string,
  init: RequestInit = {},
) {
  const headers = { ...(token === undefined ? {} : { authorization: token }), ...(init.headers ?? {}) };
  const response = await world.workerPlane.request(path, { ...init, method, headers });
  expectPromised(method, path, response.status, await response.clone().text());
  return response;
}
