// What a worker is told: RunPod's variables with this dispatcher's URLs, so that RunPod's own workers run here too.
import type { ProgramSecrets } from "../shared/config/secrets.ts";
import type { Endpoint } from "../shared/domain/admission/endpoint.ts";
import { PING_MS } from "../shared/domain/deadlines.ts";
import type { Worker } from "../shared/domain/worker/worker.ts";
import type { WorkerTokens } from "../shared/ports/worker-token.ts";
import { reveal } from "../shared/redacted.ts";

/** Read by worker/runner/runner-env.ts. */
const PASS = "WORKER_PASS_ENV";

type Env = { readonly [name: string]: string };

type Given = {
  readonly pools?: readonly { readonly name: string; readonly env: Env }[];
  readonly endpoints?: readonly Pick<Endpoint, "name" | "env" | "secrets">[];
  readonly programSecrets?: ProgramSecrets["programSecrets"];
};

/**
 * `publicUrl`: base URL of the worker plane as workers reach it, without a slash at its end. Each worker has its endpoint's
 * own variables and secrets too.
 */
export function createWorkerEnv(publicUrl: string, tokens: WorkerTokens, given: Given = {}) {
  return function workerEnv(worker: Worker): { readonly [name: string]: string } {
    const plane = `${publicUrl}/v2/${worker.endpoint}`;
    // The SDK appends `&…` blindly, so each URL has a `?`; `$ID` and `$RUNPOD_POD_ID` are its own place holders.
    return {
      // SDK 1.9 and later exit unless 4 GB of memory are free and 8.8.8.8 answers, which many a pool cannot reach.
      ...(worker.kind === "program" ? { RUNPOD_SKIP_AUTO_SYSTEM_CHECKS: "true" } : {}),
      ...ownOf(worker, given),
      ...passedOf(worker, given),
      RUNPOD_WEBHOOK_GET_JOB: `${plane}/job-take/$ID?gpu=NPU`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${plane}/job-done/$RUNPOD_POD_ID/$ID?gpu=NPU`,
      RUNPOD_WEBHOOK_POST_STREAM: `${plane}/job-stream/$RUNPOD_POD_ID/$ID?gpu=NPU`,
      RUNPOD_WEBHOOK_PING: `${plane}/ping/$RUNPOD_POD_ID?gpu=NPU`,
      RUNPOD_AI_API_KEY: tokens.sign(claimsOf(worker)),
      RUNPOD_POD_ID: worker.id,
      RUNPOD_PING_INTERVAL: String(PING_MS),
      RUNPOD_ENDPOINT_ID: worker.endpoint,
    };
  };
}

function ownOf(worker: Worker, { endpoints = [], programSecrets = {} }: Given) {
  const endpoint = endpoints.find(({ name }) => name === worker.endpoint);
  const secrets = Object.entries(endpoint?.secrets ?? {}).flatMap(([name, variable]) => {
    const secret = programSecrets[variable];
    return secret === undefined ? [] : [[name, reveal(secret)]];
  });
  return { ...endpoint?.env, ...(Object.fromEntries(secrets) as { readonly [name: string]: string }) };
}

/** What the operator names reaches the job too, whatever its name; a program has all of it anyway. */
function passedOf(worker: Worker, { pools = [], endpoints = [] }: Given): Env {
  if (worker.kind === "program") return {};
  const pool = pools.find(({ name }) => name === worker.pool)?.env;
  const named = { ...pool, ...endpoints.find(({ name }) => name === worker.endpoint)?.env };
  const { [PASS]: more, ...env } = named;
  const names = [...Object.keys(env), ...(more === undefined ? [] : [more])];
  return names.length === 0 ? {} : { [PASS]: names.join() };
}

function claimsOf({ id, pool, endpoint, tenant }: Worker) {
  return { worker: id, pool, endpoint, tenant };
}
