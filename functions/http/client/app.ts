// The client plane over HTTP, as RunPod's clients use it. Every success is exactly 200: their JavaScript client takes 201
// for a fault.
import { Hono } from "hono";
import { SYNC_RESULT_MS } from "../../../shared/domain/deadlines.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { PayloadStore } from "../../../shared/ports/api-store.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { Desk } from "../body/desk.ts";
import { jsonAnswer } from "../body/json-answer.ts";
import { refuseOtherMethods } from "../other-methods.ts";
import { problem } from "../problem.ts";
import type { ClientContext, ClientEnv, Guard } from "./guard.ts";
import { guard, target, unknownEndpoint, unknownJob } from "./guard.ts";
import { startJob, storageFull } from "./start-job.ts";
import type { ClientUseCases } from "./use-cases.ts";

export type ClientPlane = Guard & {
  readonly desk: Desk;
  readonly payloads: Pick<PayloadStore, "part">;
  readonly useCases: ClientUseCases;
  readonly maxInputBytes: number | undefined;
  readonly limits: {
    readonly runBytes: number;
    readonly runsyncBytes: number;
    /** Longest hold of a long poll, ms: 300 s on serve, 10 s on Lambda. */
    readonly holdMs: number;
  };
  /** Aborted when the process ends: who is held is answered. */
  readonly closing?: AbortSignal | undefined;
  readonly log: Log;
};

type Held<T> = (
  caller: ApiCaller,
  endpoint: string,
  id: string,
  waitMs: number,
  signal: AbortSignal,
) => Promise<T | undefined>;

const WAIT = { least: 1_000, most: 300_000 } as const;
const RUNSYNC_WAIT_MS = 90_000;
const TTL_FORM = /^\d{1,12}$/;
const STREAM_WAIT_MS = 10_000;
const FAULT_RETRY_MS = 1_000;

export function createClientApp(plane: ClientPlane): Hono<ClientEnv> {
  const app = new Hono<ClientEnv>();
  const { useCases, limits } = plane;
  const at = "/v2/:endpoint";
  app.post(`${at}/run`, guard(plane, "run"), (c) => run(plane, c, limits.runBytes));
  app.post(`${at}/runsync`, guard(plane, "runsync"), (c) => runsync(plane, c, limits.runsyncBytes));
  const read = ["GET", "POST"];
  app.on(read, `${at}/status/:id`, guard(plane, "status"), (c) => showStatus(plane, c));
  app.on(read, `${at}/status-sync/:id`, guard(plane, "status"), (c) =>
    held(plane, c, useCases.awaitStatus, RUNSYNC_WAIT_MS),
  );
  app.on(read, `${at}/stream/:id`, guard(plane, "stream"), (c) =>
    held(plane, c, useCases.drainStream, STREAM_WAIT_MS),
  );
  app.post(`${at}/cancel/:id`, guard(plane, "cancel"), (c) => ofJob(plane, c, useCases.cancelJob));
  app.post(`${at}/retry/:id`, guard(plane, "run"), (c) => retry(plane, c));
  app.post(`${at}/purge-queue`, guard(plane, "purge-queue"), (c) => purge(plane, c));
  app.get(`${at}/health`, guard(plane, "status"), (c) => ofEndpoint(c, useCases.healthOf));
  app.get(`${at}/requests`, guard(plane, "requests"), (c) => ofEndpoint(c, useCases.listRequests));
  app.get("/v2/near-misses", guard(plane, "requests"), (c) => nearMisses(plane, c));
  app.all(`${at}/openai/*`, noOpenAi);
  refuseOtherMethods(app);
  app.onError((error, c) => {
    // A client that went away in the middle of its body is no fault of ours, and there is nobody to answer.
    const level = c.req.raw.signal.aborted ? "debug" : "error";
    if (c.get("caller") !== undefined) plane.log[level]("client-call-failed", { url: c.req.path, error });
    // Anybody can make such calls, however often: with tokens of their own make while an issuer's keys cannot be read.
    else plane.rejectionLog[level]("client-call-failed", { reason: "before the caller was known", error });
    const detail =
      "the call could not be carried out; try again, with the same Idempotency-Key if it has one";
    return problem(c, { status: 503, title: "Not done", detail, retryAfterMs: FAULT_RETRY_MS });
  });
  return app;
}

async function run(plane: ClientPlane, c: ClientContext, maxBytes: number): Promise<Response> {
  const started = await startJob(plane, c, "async", { maxBytes });
  return started instanceof Response ? started : c.json(runAnswerOf(started));
}

async function runsync(plane: ClientPlane, c: ClientContext, maxBytes: number): Promise<Response> {
  const started = await startJob(plane, c, "sync", { maxBytes, resultMs: resultMsOf(c) });
  if (started instanceof Response) return started;
  const { caller, endpoint } = target(c);
  const waitMs = waitOf(plane, c, RUNSYNC_WAIT_MS);
  const status = await plane.useCases.awaitStatus(caller, endpoint, started.id, waitMs, endOf(plane, c));
  return status === undefined ? unknownJob(c) : answer(plane, c, status);
}

function answer(plane: ClientPlane, c: ClientContext, value: object): Promise<Response> {
  const { desk, payloads } = plane;
  const { tenant, login } = c.get("caller");
  return jsonAnswer(c, value, { desk, payloads, owner: desk.ownerOf(tenant, login) });
}

function runAnswerOf(job: Job) {
  const label = job.api?.runner?.label;
  return { id: job.id, status: job.state, ...(label === undefined ? {} : { label }) };
}

async function ofJob(
  plane: ClientPlane,
  c: ClientContext,
  useCase: ClientUseCases["statusOf"],
): Promise<Response> {
  const { caller, endpoint, id } = target(c);
  const status = await useCase(caller, endpoint, id);
  return status === undefined ? unknownJob(c) : answer(plane, c, status);
}

async function showStatus(plane: ClientPlane, c: ClientContext): Promise<Response> {
  const ttl = c.req.query("ttl");
  if (ttl === undefined) return ofJob(plane, c, plane.useCases.statusOf);
  if (!TTL_FORM.test(ttl)) {
    const detail = "ttl is a whole number of milliseconds: its result is removed so long from now or its end";
    return problem(c, { status: 400, title: "Bad request", detail });
  }
  return ofJob(plane, c, (caller, endpoint, id) =>
    plane.useCases.statusWithTtl(caller, endpoint, id, Number(ttl)),
  );
}

async function held<T extends object>(plane: ClientPlane, c: ClientContext, useCase: Held<T>, wait: number) {
  const { caller, endpoint, id } = target(c);
  const found = await useCase(caller, endpoint, id, waitOf(plane, c, wait), endOf(plane, c));
  return found === undefined ? unknownJob(c) : answer(plane, c, found);
}

async function ofEndpoint<T extends object>(
  c: ClientContext,
  useCase: (caller: ApiCaller, endpoint: string) => Promise<T | undefined>,
): Promise<Response> {
  const { caller, endpoint } = target(c);
  const found = await useCase(caller, endpoint);
  return found === undefined ? unknownEndpoint(c) : c.json(found);
}

function noOpenAi(c: ClientContext): Response {
  const detail =
    "this dispatcher has no OpenAI routes: send the request as the input of POST /v2/{endpoint}/runsync, for RunPod's vLLM worker as openai_route and openai_input";
  return problem(c, { status: 404, title: "No OpenAI routes", detail });
}

async function nearMisses(plane: ClientPlane, c: ClientContext): Promise<Response> {
  const found = await plane.useCases.listNearMisses(c.get("caller"));
  if (found !== undefined) return c.json(found);
  const detail = "a workflow step sees its own jobs only; near misses are shown to an API key of the owner";
  return problem(c, { status: 403, title: "Forbidden", detail });
}

async function purge(plane: ClientPlane, c: ClientContext): Promise<Response> {
  const { caller, endpoint } = target(c);
  const purged = await plane.useCases.purgeQueue(caller, endpoint);
  return purged === undefined
    ? unknownEndpoint(c)
    : c.json({ removed: purged.removed, status: "completed" as const });
}

async function retry(plane: ClientPlane, c: ClientContext): Promise<Response> {
  const { caller, endpoint, id } = target(c);
  const outcome = await plane.useCases.retryJob(caller, endpoint, id);
  if (outcome === undefined) return unknownJob(c);
  if (outcome.type === "retried") return answer(plane, c, outcome.status);
  if (outcome.type === "full") return storageFull(c, outcome);
  return problem(c, { status: 409, title: "Not retried", detail: outcome.message });
}

/** Aborted when nobody hears the answer any more, or it must be given now. */
function endOf({ closing }: ClientPlane, c: ClientContext): AbortSignal {
  return closing === undefined ? c.req.raw.signal : AbortSignal.any([c.req.raw.signal, closing]);
}

function waitOf(plane: ClientPlane, c: ClientContext, standard: number): number {
  return Math.min(askedWait(c) ?? standard, plane.limits.holdMs);
}

/** RunPod keeps the result of `/runsync` for a minute, or for as long as its client says that it waits. */
function resultMsOf(c: ClientContext): number | undefined {
  const wait = askedWait(c);
  return wait === undefined ? undefined : Math.max(wait, SYNC_RESULT_MS);
}

/** A wait that is no number is as good as none. */
function askedWait(c: ClientContext): number | undefined {
  const wait = Number(c.req.query("wait") || Number.NaN);
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, WAIT.least), WAIT.most);
}
