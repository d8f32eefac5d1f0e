// A world whose endpoint is one of the API: a program of its own, or our runner.

import type { EndpointLimits, EndpointTemplate } from "../../shared/domain/admission/endpoint.ts";
import type { JobId } from "../../shared/domain/ids.ts";
import { jobId } from "../../shared/domain/ids.ts";
import type { ApiSide } from "../../shared/domain/job/api-job.ts";
import { newApiJob } from "../../shared/domain/job/api-steps.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import { isTerminal } from "../../shared/domain/job/job.ts";
import { usedCards } from "../../shared/domain/pool/pool.ts";
import { aTemplate, LIMITS, POOL } from "../domain/builders.ts";
import { aRunnerRequest, KEY_CALLER } from "../domain/job/api-builders.ts";
import type { World, WorldOptions } from "./world.ts";
import { createWorld } from "./world.ts";

export const ENDPOINT_NAME = "kandinsky";

export type Submitted = Partial<Pick<ApiSide, "input" | "runner">> & {
  readonly executionTimeoutMs?: number;
  readonly ttlMs?: number;
  readonly callbackUrl?: string;
  /** ENDPOINT_NAME unless given. */
  readonly endpoint?: string;
};

export function apiTemplate(
  kind: "program" | "runner",
  limits: Partial<EndpointLimits> = {},
): EndpointTemplate {
  return aTemplate({
    name: ENDPOINT_NAME,
    selector: ENDPOINT_NAME,
    labels: ["npu", "runpod"],
    cards: 1,
    counts: [],
    startedBy: "api",
    command: kind === "program" ? ["python3", "handler.py"] : undefined,
    limits: { ...LIMITS, ...limits },
  });
}

export function programWorld(options: WorldOptions = {}): World {
  const script = { program: { jobMs: 60_000 }, ...options.script };
  return createWorld({ cards: 1, templates: [apiTemplate("program")], ...options, script });
}

export function runnerWorld(options: WorldOptions = {}): World {
  return createWorld({ cards: 1, templates: [apiTemplate("runner")], ...options });
}

let submissions = 0;

/** What `/run` does once a request has been checked. Changes are left to the world's next settle. */
export async function submit(world: World, asked: Submitted = {}): Promise<JobId> {
  const { catalogue } = world.deps;
  const wanted = asked.endpoint ?? ENDPOINT_NAME;
  const endpoint = catalogue.endpoints.find(({ name }) => name === wanted) ?? noEndpoint(wanted);
  const id = jobId(`6f1d1a56-7c5e-8a3b-9a56-${String(++submissions).padStart(12, "0")}-e1`);
  const runner =
    "runner" in asked ? asked.runner : endpoint.command === undefined ? aRunnerRequest() : undefined;
  const job = newApiJob({
    id,
    endpoint,
    caller: KEY_CALLER,
    kind: "async",
    policy: {
      executionTimeoutMs: asked.executionTimeoutMs ?? endpoint.limits.executionMs,
      ttlMs: asked.ttlMs ?? 86_400_000,
      lowPriority: false,
    },
    requestHash: "0123456789abcdef",
    input: asked.input ?? { type: "inline", json: `{"of":"${id}"}` },
    runner,
    callbackUrl: asked.callbackUrl,
    now: world.now(),
  });
  await world.stores.lanes.register({ pool: job.pool, tenant: job.tenant, login: KEY_CALLER.login });
  await world.stores.jobs.create(job);
  return id;
}

function noEndpoint(name: string): never {
  throw new Error(`the world has no endpoint ${name}`);
}

export async function apiJobOf(world: World, id: JobId): Promise<Job & { readonly api: ApiSide }> {
  const job = await world.stores.jobs.get(id);
  if (job?.api === undefined) throw new Error(`no API job ${id}`);
  return { ...job, api: job.api };
}

/** All of them have ended, and nothing is left of any worker. */
export async function areOver(world: World, ids: readonly JobId[]): Promise<boolean> {
  const jobs = await Promise.all(ids.map((id) => apiJobOf(world, id)));
  const pool = await world.stores.pools.get(POOL);
  return (
    jobs.every(isTerminal) &&
    (await world.pool.list()).length === 0 &&
    world.github.runners.size === 0 &&
    (pool === undefined || usedCards(pool) === 0) &&
    (await world.stores.workers.live(POOL)).length === 0
  );
}
