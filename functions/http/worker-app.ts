// The worker plane over HTTP: RunPod's paths and bodies, one token per worker.
import type { Context, MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { WorkerId } from "../../shared/domain/ids.ts";
import type { WorkerReport } from "../../shared/domain/worker-report.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClaims, WorkerTokens } from "../../shared/ports/worker-token.ts";
import { parseJobDone, reportOf } from "../../shared/protocol/report.ts";
import { pingPhase, registrationKind } from "../../shared/protocol/worker-plane.ts";
import type { Ping } from "../../shared/usecases/record-ping.ts";
import type { RegistrationOutcome } from "../../shared/usecases/register-runner.ts";
import type { TakeOutcome } from "../../shared/usecases/take-job.ts";
import { problem } from "./problem.ts";

export type WorkerPlane = {
  readonly takeJob: (worker: WorkerId, bootId: string) => Promise<TakeOutcome>;
  readonly registerRunner: (
    worker: WorkerId,
    bootId: string,
    kind: "token" | "jit",
  ) => Promise<RegistrationOutcome>;
  readonly recordPing: (worker: WorkerId, ping: Ping) => Promise<string | undefined>;
  readonly finishWorker: (worker: WorkerId, report: WorkerReport) => Promise<void>;
  readonly tokens: WorkerTokens;
  readonly log: Log;
  readonly rejectionLog: Log;
};

type Env = { Variables: { claims: WorkerClaims } };
type WorkerContext = Context<Env>;

/** RunPod takes results of 20 MB, and this leaves room for what is around them; a report of our worker is below 1 kB. */
export const MAX_RESULT_BYTES = 21_000_000;

/** RunPod's SDK names no boot; its container then is the only one we can know. */
const SDK_BOOT = "sdk";

export function createWorkerApp(plane: WorkerPlane): Hono<Env> {
  const app = new Hono<Env>();
  // Node closes idle keep-alive sockets after 5 s; a client that posts its result into one of those loses it.
  app.use(async function closeConnection(c, next) {
    await next();
    c.header("connection", "close");
  });
  const auth = authenticate(plane);
  app.get("/v2/:endpoint/job-take/:worker", auth, (c) => take(plane, c));
  app.post("/v2/:endpoint/registration/:worker", auth, (c) => register(plane, c));
  app.get("/v2/:endpoint/ping/:worker", auth, (c) => ping(plane, c));
  app.post("/v2/:endpoint/job-done/:worker/:job", auth, limitResult(), (c) => done(plane, c));
  app.onError((error, c) => {
    plane.log.error("worker-call-failed", { url: c.req.path, error });
    return problem(c, { status: 503, title: "Not recorded", detail: "try again", retryAfterMs: 1_000 });
  });
  return app;
}

/** The token opens the plane for its own worker and endpoint only. RunPod's SDK sends it without `Bearer`. */
function authenticate(plane: WorkerPlane): MiddlewareHandler<Env> {
  return async function authenticateWorker(c, next) {
    const token = (c.req.header("authorization") ?? "").replace(/^Bearer /i, "");
    const claims = plane.tokens.verify(token);
    if (claims === undefined) {
      plane.rejectionLog.warn("worker-call-rejected", { status: 401, reason: "no worker token" });
      return problem(c, { status: 401, title: "Unauthorized", detail: "a worker token is needed" });
    }
    if (claims.worker !== workerSegment(c) || claims.endpoint !== c.req.param("endpoint")) {
      plane.rejectionLog.warn("worker-call-rejected", { status: 403, reason: "another worker's path" });
      return problem(c, { status: 403, title: "Forbidden", detail: "this token is for another worker" });
    }
    c.set("claims", claims);
    return next();
  };
}

/** The SDK appends `&job_in_progress=0` blindly; without a `?` in the template it lands in the path. */
function workerSegment(c: Context): string {
  return (c.req.param("worker") ?? "").split("&")[0] ?? "";
}

async function take(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const outcome = await plane.takeJob(c.get("claims").worker, c.req.query("boot") ?? SDK_BOOT);
  if (outcome.type === "nothing") {
    plane.log.warn("nothing-to-take", { worker: c.get("claims").worker, reason: outcome.reason });
    return c.body(null, 204);
  }
  return c.json({ id: outcome.jobId, input: {}, dispatch: outcome.settings });
}

async function register(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const kind = registrationKind.safeParse(c.req.query("registration"));
  if (!kind.success) {
    return problem(c, {
      status: 400,
      title: "Bad request",
      detail: "?registration= must be token or jit",
    });
  }
  const { worker } = c.get("claims");
  const outcome = await plane.registerRunner(worker, c.req.query("boot") ?? SDK_BOOT, kind.data);
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
  const phase = pingPhase.safeParse(c.req.query("phase"));
  const drain = await plane.recordPing(c.get("claims").worker, {
    phase: phase.success ? phase.data : undefined,
    jobName: c.req.query("job_name"),
  });
  return c.json(drain === undefined ? {} : { drain });
}

function limitResult(): MiddlewareHandler<Env> {
  const detail = `a result is at most ${MAX_RESULT_BYTES} bytes; store a larger one elsewhere and report where`;
  return bodyLimit({
    maxSize: MAX_RESULT_BYTES,
    onError: (c) => problem(c, { status: 413, title: "Result too large", detail }),
  });
}

async function done(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  // RunPod's SDK sends JSON labelled as a form: the label is not looked at.
  const body = parseJobDone(await c.req.text());
  if (body === undefined) {
    return problem(c, {
      status: 400,
      title: "Bad request",
      detail: "job-done needs a JSON object with output or error",
    });
  }
  // Progress has the same path, and may come after the end.
  if (body.status !== "IN_PROGRESS") await plane.finishWorker(c.get("claims").worker, reportOf(body));
  return c.json({});
}
