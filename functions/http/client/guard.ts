// What every route of the client plane does first: who is it, may it go on now.
import type { Context, MiddlewareHandler } from "hono";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { Log } from "../../../shared/ports/log.ts";
import { problem } from "../problem.ts";
import type { LimitedOperation, RateLimiter } from "../rate-limit.ts";
import type { Authenticate, Authenticated } from "./auth.ts";

export type ClientEnv = { Variables: { caller: ApiCaller; jti: string | undefined } };
export type ClientContext = Context<ClientEnv>;

export type Guard = {
  readonly authenticate: Authenticate;
  readonly rateLimiter: RateLimiter;
  /** Asked only about an endpoint that is above its base limits. */
  readonly runningWorkers: (endpoint: string) => Promise<number>;
  /** Whether dispatch.yaml has an endpoint of this name. */
  readonly isEndpoint: (name: string) => boolean;
  readonly rejectionLog: Log;
};

const ALL = "*";
/** Of one that was taken out of dispatch.yaml the jobs are still to be seen; all such and made-up names share one limit. */
const NO_ENDPOINT = "?";
const NAME_FORM = /^[a-z0-9-]{1,63}$/;
const JOB_ID_FORM = /^[A-Za-z0-9_-]{1,100}$/;

/** The limit is the tenant's: its API keys and workflow runs share it. */
export function guard(plane: Guard, operation: LimitedOperation): MiddlewareHandler<ClientEnv> {
  return async function guardRoute(c, next) {
    const who = await plane.authenticate(c.req.header("authorization"));
    if (who.type === "refused") return refuse(plane, c, who);
    // A route without one is about all endpoints.
    const endpoint = c.req.param("endpoint") ?? ALL;
    if (endpoint !== ALL && !NAME_FORM.test(endpoint)) return unknownEndpoint(c);
    const id = c.req.param("id");
    if (id !== undefined && !JOB_ID_FORM.test(id)) return unknownJob(c);
    const admission = await admit(plane, who.caller, endpoint, operation);
    if (admission.type === "limited") {
      const detail = `${admission.message} of this endpoint and tenant; wait and try again`;
      return problem(c, {
        status: 429,
        title: "Too many requests",
        detail,
        retryAfterMs: admission.retryAfterMs,
      });
    }
    c.set("caller", withRun(who.caller, c.req.header(RUN_HEADER)));
    c.set("jti", who.jti);
    try {
      return await next();
    } finally {
      admission.release();
    }
  };
}

/** The base limits first: as long as they do, the workers need not be counted. */
async function admit(plane: Guard, { tenant }: ApiCaller, endpoint: string, operation: LimitedOperation) {
  const isEndpoint = endpoint !== ALL && plane.isEndpoint(endpoint);
  const counted = isEndpoint || endpoint === ALL ? endpoint : NO_ENDPOINT;
  const admission = plane.rateLimiter.admit(tenant, counted, operation);
  if (admission.type === "admitted" || !isEndpoint) return admission;
  const workers = await plane.runningWorkers(endpoint);
  return plane.rateLimiter.admit(tenant, endpoint, operation, workers);
}

/**
 * An API key does not say which run uses it; our actions do. Believed only for the key's own tenant: all it can bring
 * about is that the job ends with that run.
 */
const RUN_HEADER = "x-workflow-run";
const RUN_FORM = /^([A-Za-z0-9_-]{1,100})\/([A-Za-z0-9._-]{1,100})\/(\d{1,15})\/(\d{1,6})$/;

function withRun(caller: ApiCaller, header: string | undefined): ApiCaller {
  const [, owner, repo, runId, runAttempt] = RUN_FORM.exec(header ?? "") ?? [];
  if (caller.run !== undefined || owner === undefined || repo === undefined) return caller;
  if (owner.toLowerCase() !== caller.login.toLowerCase()) return caller;
  const run = { owner, ownerType: undefined, repo, runId: Number(runId), runAttempt: Number(runAttempt) };
  return { ...caller, run };
}

/** What the path and the credential name. */
export function target(c: ClientContext) {
  return { caller: c.get("caller"), endpoint: c.req.param("endpoint") ?? "", id: c.req.param("id") ?? "" };
}

/** The same for an endpoint of others and for one that does not exist. */
export function unknownEndpoint(c: Context): Response {
  const detail = "there is no endpoint of this name in dispatch.yaml that you may use";
  return problem(c, { status: 404, title: "Unknown endpoint", detail });
}

/** The same for a job of others, of another endpoint, and for one that never was. */
export function unknownJob(c: Context): Response {
  const detail =
    "there is no such job of yours at this endpoint; results are kept 30 min after /run and 1 min after /runsync";
  return problem(c, { status: 404, title: "Unknown job", detail });
}

function refuse(plane: Guard, c: Context, who: Authenticated & { readonly type: "refused" }): Response {
  const { status, reason, detail } = who;
  plane.rejectionLog.warn("client-call-rejected", { status, reason });
  const refusal = problem(c, { status, title: status === 401 ? "Unauthorized" : "Forbidden", detail });
  if (status === 401) refusal.headers.set("www-authenticate", 'Bearer realm="npu-dispatch"');
  return refusal;
}
