// The worker plane over HTTP: RunPod's paths and bodies, one token per worker.
import type { MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { parseStarted } from "../../../shared/protocol/started-job.ts";
import { askNumber, pingPhase, registrationKind } from "../../../shared/protocol/worker-plane.ts";
import { refuseOtherMethods } from "../other-methods.ts";
import { problem } from "../problem.ts";
import type { WorkerContext, WorkerEnv, WorkerPlane } from "./context.ts";
import { query, SDK_BOOT, segment } from "./context.ts";
import { keepOpen, staysOpen } from "./kept-connection.ts";
import { refuse, stopPoll, take } from "./polls.ts";
import { done, stream } from "./results.ts";

export function createWorkerApp(plane: WorkerPlane): Hono<WorkerEnv> {
  const app = new Hono<WorkerEnv>();
  // Node closes idle keep-alive sockets after 5 s; a client that posts its result into one of those loses it.
  app.use(async function closeConnection(c, next) {
    await next();
    if (staysOpen(c)) keepOpen(c);
    else c.header("connection", "close");
  });
  const auth = authenticate(plane);
  const at = "/v2/:endpoint";
  app.get(`${at}/job-take/:worker`, auth, (c) => take(plane, c, "one"));
  app.get(`${at}/job-take-batch/:worker`, auth, (c) => take(plane, c, "batch"));
  app.get(`${at}/job-stop/:worker`, auth, (c) => stopPoll(plane, c));
  app.post(`${at}/registration/:worker`, auth, (c) => register(plane, c));
  app.get(`${at}/ping/:worker`, auth, (c) => ping(plane, c));
  app.post(`${at}/job-done/:worker/:job`, auth, (c) => done(plane, c));
  app.post(`${at}/job-stream/:worker/:job`, auth, (c) => stream(plane, c));
  refuseOtherMethods(app);
  app.onError((error, c) => {
    plane.log.error("worker-call-failed", { url: c.req.path, error });
    return refuse(c, { status: 503, title: "Not recorded", detail: "try again", retryAfterMs: 1_000 });
  });
  return app;
}

/** The token opens the plane for its own worker and endpoint only. RunPod's SDK sends it without `Bearer`. */
function authenticate(plane: WorkerPlane): MiddlewareHandler<WorkerEnv> {
  return async function authenticateWorker(c, next) {
    const token = (c.req.header("authorization") ?? "").replace(/^Bearer /i, "");
    const claims = plane.tokens.verify(token);
    if (claims === undefined) {
      plane.rejectionLog.warn("worker-call-rejected", { status: 401, reason: "no worker token" });
      return refuse(c, { status: 401, title: "Unauthorized", detail: "a worker token is needed" });
    }
    if (claims.worker !== segment(c, "worker") || claims.endpoint !== c.req.param("endpoint")) {
      plane.rejectionLog.warn("worker-call-rejected", { status: 403, reason: "another worker's path" });
      return refuse(c, { status: 403, title: "Forbidden", detail: "this token is for another worker" });
    }
    c.set("claims", claims);
    return next();
  };
}

async function register(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const kind = registrationKind.safeParse(query(c, "registration"));
  if (!kind.success) {
    return problem(c, {
      status: 400,
      title: "Bad request",
      detail: "?registration= must be token or jit",
    });
  }
  const { worker } = c.get("claims");
  const boot = query(c, "boot") ?? SDK_BOOT;
  const ask = askNumber.safeParse(query(c, "ask")).data;
  const outcome = await plane.useCases.registerRunner(worker, boot, kind.data, ask);
  switch (outcome.type) {
    case "registered":
      return c.json(outcome.answer);
    case "refused":
      return problem(c, { status: 409, title: "Registration refused", detail: outcome.message });
    case "later":
      return problem(c, {
        status: 429,
        title: "Registration not now",
        detail: outcome.message,
        retryAfterMs: outcome.retryAfterMs,
      });
  }
}

async function ping(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const phase = pingPhase.safeParse(query(c, "phase"));
  const claims = c.get("claims");
  const said = {
    phase: phase.success ? phase.data : undefined,
    jobName: query(c, "job_name"),
    started: parseStarted(query(c, "started") ?? "null"),
    jobIds: (query(c, "job_id") ?? "").split(",").filter((id) => id !== ""),
    unhealthy: query(c, "status") === "unhealthy" ? unhealthyBecause(c) : undefined,
  };
  const drain = await plane.useCases.recordPing(claims.worker, said, claims);
  return c.json(drain === undefined ? {} : { drain });
}

/** RunPod's SDK names the check that failed and says why, in at most 256 characters. */
function unhealthyBecause(c: WorkerContext): string {
  return (
    [query(c, "check"), query(c, "reason")].filter((text) => text !== undefined).join(": ") ||
    "no reason given"
  );
}
