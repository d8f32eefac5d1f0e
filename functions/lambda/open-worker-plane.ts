// The worker plane as a Lambda HTTP handler.
import { handle } from "hono/aws-lambda";
import { rateLimited } from "../../shared/adapters/log/rate-limited.ts";
import { finishWorker } from "../../shared/usecases/finish-worker.ts";
import { recordPing } from "../../shared/usecases/record-ping.ts";
import { registerRunner } from "../../shared/usecases/register-runner.ts";
import { takeJob } from "../../shared/usecases/take-job.ts";
import { createWorkerApp } from "../http/worker-app.ts";
import { openDispatcher } from "./open-dispatcher.ts";
import type { HttpHandler } from "./open-webhook.ts";
import type { Env } from "./settings.ts";

export async function openWorkerPlane(env: Env, dir: string): Promise<HttpHandler> {
  const { deps, tokens } = await openDispatcher(env, dir);
  const { log, clock } = deps;
  const app = createWorkerApp({
    takeJob: (worker, boot) => takeJob(deps, worker, boot),
    registerRunner: (worker, boot, kind) => registerRunner(deps, worker, boot, kind),
    recordPing: (worker, ping) => recordPing(deps, worker, ping),
    finishWorker: (worker, report) => finishWorker(deps, worker, report),
    tokens,
    log,
    rejectionLog: rateLimited(log, { clock }),
  });
  return handle(app);
}
