// /run and /runsync up to the job: read the request, start it or find the one that an equal request started.
import type { Job } from "../../../shared/domain/job/job.ts";
import { bytesOfValue } from "../../../shared/domain/job/payload.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { RunOutcome } from "../../../shared/usecases/client-plane/run-job.ts";
import type { Desk } from "../body/desk.ts";
import type { Body } from "../body/read-body.ts";
import { readBody } from "../body/read-body.ts";
import { refuseBody } from "../body/refuse-body.ts";
import { problem } from "../problem.ts";
import type { ClientContext } from "./guard.ts";
import { target, unknownEndpoint } from "./guard.ts";
import { parseRunBody } from "./run-body.ts";
import type { ClientUseCases } from "./use-cases.ts";

type Starter = {
  readonly useCases: Pick<ClientUseCases, "runJob">;
  readonly desk: Desk;
  /** Longest input as a part of an answer, bytes (see bytesInAnswer); undefined: as long as a body may be. */
  readonly maxInputBytes: number | undefined;
  readonly log: Log;
  readonly rejectionLog: Log;
};

const BUSY_RETRY_MS = 10_000;
const STORAGE_RETRY_MS = 30_000;
const IDEMPOTENCY_KEY_FORM = /^[\x21-\x7e]{1,255}$/;

/** The job, new or that of an earlier equal request; a refusal otherwise. */
export async function startJob(
  plane: Starter,
  c: ClientContext,
  kind: "async" | "sync",
  { maxBytes, resultMs }: { readonly maxBytes: number; readonly resultMs?: number | undefined },
): Promise<Job | Response> {
  const idempotencyKey = c.req.header("idempotency-key");
  if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY_FORM.test(idempotencyKey)) {
    return badRequest(c, "Idempotency-Key must be 1 to 255 visible characters");
  }
  const { tenant, login } = c.get("caller");
  const body = await readBody(c, plane.desk, { owner: plane.desk.ownerOf(tenant, login), maxBytes });
  if (body.type !== "read") return refuseBody(c, body);
  try {
    return await startWith(plane, c, { body, kind, resultMs, idempotencyKey });
  } finally {
    body.release();
  }
}

type Start = {
  readonly body: Body;
  readonly kind: "async" | "sync";
  readonly resultMs: number | undefined;
  readonly idempotencyKey: string | undefined;
};

async function startWith(
  plane: Starter,
  c: ClientContext,
  { body, kind, resultMs, idempotencyKey }: Start,
): Promise<Job | Response> {
  const request = parseRunBody(body);
  if (request.type === "invalid") return badRequest(c, request.message);
  const most = plane.maxInputBytes;
  if (most !== undefined && bytesOfValue(request.body.input) > most) return inputTooLong(c, most);
  const { caller, endpoint } = target(c);
  const jti = c.get("jti");
  const outcome = await plane.useCases.runJob(caller, endpoint, {
    body: request.body,
    rawHash: request.rawHash,
    kind,
    resultMs,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(jti === undefined ? {} : { jti }),
  });
  return answerStart(plane, c, outcome);
}

/** It could be kept, but no worker could be given it. */
function inputTooLong(c: ClientContext, most: number): Response {
  const detail = `an input is at most ${most} bytes as a text in JSON here, where a quote or a backslash counts twice; store it elsewhere and send where`;
  return problem(c, { status: 413, title: "Body too large", detail });
}

function answerStart(plane: Starter, c: ClientContext, outcome: RunOutcome): Job | Response {
  switch (outcome.type) {
    case "accepted": {
      const { id, endpoint, tenant } = outcome.job;
      plane.log.info("api-job-accepted", { job: id, endpoint, tenant });
      return outcome.job;
    }
    case "repeated":
      return outcome.job;
    case "unknown-endpoint":
      return unknownEndpoint(c);
    case "invalid":
      return badRequest(c, outcome.message);
    case "forbidden":
      plane.rejectionLog.warn("client-call-rejected", { status: 403, reason: "the tenant's policy" });
      return problem(c, { status: 403, title: "Forbidden", detail: outcome.message });
    case "busy":
      return problem(c, {
        status: 429,
        title: "Queue full",
        detail: outcome.message,
        retryAfterMs: BUSY_RETRY_MS,
      });
    case "no-storage":
      return storageFull(c, outcome);
    case "forgotten":
      return problem(c, {
        status: 409,
        title: "Used before",
        detail:
          "this Idempotency-Key or OIDC token started a job whose result is no longer kept; use a new one to run it again",
      });
    case "mismatch":
      return problem(c, {
        status: 409,
        title: "Used before",
        detail:
          "this Idempotency-Key or OIDC token came before with another body or endpoint; use a new one for each request",
      });
  }
}

type StorageFull = { readonly whose: "tenant" | "disk"; readonly message: string };

export function storageFull(c: ClientContext, { whose, message: detail }: StorageFull): Response {
  const status = whose === "tenant" ? 429 : 503;
  return problem(c, { status, title: "Storage full", detail, retryAfterMs: STORAGE_RETRY_MS });
}

function badRequest(c: ClientContext, detail: string): Response {
  return problem(c, { status: 400, title: "Bad request", detail });
}
