// A world with an endpoint of programs and one of runners, started by the API, and the client's calls bound to it.
import { createHash } from "node:crypto";
import type { JobId } from "../../../shared/domain/ids.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { ApiEnd } from "../../../shared/domain/job/api-steps.ts";
import { endedApi, startedApi } from "../../../shared/domain/job/api-steps.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { ApiDeps } from "../../../shared/usecases/client-plane/api-deps.ts";
import type { RunCall } from "../../../shared/usecases/client-plane/run-job.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import { updateJob } from "../../../shared/usecases/update.ts";
import { aTemplate } from "../../domain/builders.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

export const ECHO = "echo";
export const RUNNER = "npu-runner";

const TEMPLATES = [
  aTemplate({ name: ECHO, selector: ECHO, cards: 1, counts: [], startedBy: "api", command: ["echo"] }),
  aTemplate({ name: RUNNER, selector: RUNNER, cards: 1, counts: [], startedBy: "api" }),
];

export type ApiWorld = World & { readonly deps: ApiDeps };

export function createApiWorld(options: WorldOptions & { api?: Partial<ApiDeps> } = {}): ApiWorld {
  const world = createWorld({ templates: TEMPLATES, ...options });
  return Object.assign(world, { deps: { ...world.deps, ...options.api } });
}

export function aCall(input: unknown = { n: 1 }, rest: Partial<RunCall> = {}): RunCall {
  const rawHash = createHash("sha256").update(JSON.stringify(input)).digest("hex");
  return { body: { input }, rawHash, kind: "async", ...rest };
}

/** Its new job; throws for any other outcome. */
export async function run(
  world: ApiWorld,
  call: RunCall = aCall(),
  { endpoint = ECHO, caller = KEY_CALLER as ApiCaller } = {},
): Promise<Job> {
  const outcome = await runJob(world.deps, caller, endpoint, call);
  if (outcome.type !== "accepted") throw new Error(JSON.stringify(outcome));
  return outcome.job;
}

export async function jobOf(world: World, id: JobId): Promise<Job> {
  const job = await world.stores.jobs.get(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  return job;
}

/** As its worker's take and result would. */
export async function start(world: World, id: JobId): Promise<void> {
  await updateJob(world.stores.jobs, id, (job) => startedApi(job, world.now()));
}

export const FAILED: ApiEnd = {
  state: "FAILED",
  reason: "worker-failed",
  message: "raised",
  error: "raised",
};

export async function end(world: World, id: JobId, what: ApiEnd = FAILED): Promise<void> {
  await updateJob(world.stores.jobs, id, (job) => endedApi(job, what, world.now()));
}
