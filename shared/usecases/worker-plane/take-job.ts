// The worker's first call: the job it was started for, and all that its runner needs but the registration.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import { policyOf } from "../../domain/admission/tenant-policy.ts";
import type { EpochMs, WorkerId } from "../../domain/ids.ts";
import { startedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { ownerOf, pathOf } from "../../domain/runner-scope.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { hasDefaultLabels, labelsOf } from "../../domain/worker/worker-labels.ts";
import { taken } from "../../domain/worker/worker-steps.ts";
import type { DispatchSettings, PolicySettings, TakenJob } from "../../protocol/worker-plane.ts";
import type { Deps } from "../deps.ts";
import { endpointOf, limitsOf } from "../deps.ts";
import { loadJson } from "../storage/load-json.ts";
import { updateJob, updateWorker } from "../update.ts";
import { runnerGroupOf } from "./runner-group.ts";

export type TakeOutcome =
  | { readonly type: "taken"; readonly job: TakenJob; readonly settings: DispatchSettings }
  /** Nothing for this boot: another container owns the worker, it has ended, or its job has. */
  | { readonly type: "nothing"; readonly reason: string };

export async function takeJob(deps: Deps, id: WorkerId, bootId: string): Promise<TakeOutcome> {
  let refused = false;
  const { item } = await updateWorker(deps.stores.workers, id, (current) => {
    const step = { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) };
    const outcome = taken(current, bootId, step);
    refused = outcome.type === "refused";
    return outcome.type === "taken" ? outcome.worker : undefined;
  });
  if (item === undefined || refused) {
    return { type: "nothing", reason: `worker is ${item?.state ?? "unknown"} and belongs to another boot` };
  }
  return answer(deps, item);
}

async function answer(deps: Deps, worker: Worker): Promise<TakeOutcome> {
  const endpoint = endpointOf(deps, worker.endpoint);
  const job = await begin(deps, worker);
  if (job === undefined || endpoint === undefined) return { type: "nothing", reason: "its job is gone" };
  if (isTerminal(job) && (worker.drain !== undefined || job.api !== undefined)) {
    return { type: "nothing", reason: `its job is ${job.state}` };
  }
  const input = job.api === undefined ? undefined : await loadJson(deps, job.api.input);
  // A runner does without it: the input of its job is for the steps to read, if any does.
  const taken = takenJobOf(deps, job, { input: input === undefined ? {} : input, now: deps.clock.now() });
  return { type: "taken", job: taken, settings: settingsFor(deps, worker, { job, endpoint }) };
}

/** From its take on an API job is in progress; a workflow job is when GitHub says so. */
async function begin(deps: Deps, worker: Worker): Promise<Job | undefined> {
  const job = await deps.stores.jobs.get(worker.jobId);
  if (job?.api === undefined) return job;
  const { item } = await updateJob(deps.stores.jobs, job.id, (current) =>
    current.workerId === worker.id ? startedApi(current, deps.clock.now()) : undefined,
  );
  return item?.workerId === worker.id ? item : undefined;
}

function settingsFor(
  deps: Deps,
  worker: Worker,
  { job, endpoint }: { readonly job: Job; readonly endpoint: Endpoint },
): DispatchSettings {
  const runnerGroup = runnerGroupOf(deps, job);
  return {
    url: registrationUrl(deps, worker),
    runnerName: worker.id,
    labels: labelsOf(endpoint, worker.id, job),
    ...(runnerGroup === undefined || worker.scope.type === "repository" ? {} : { runnerGroup }),
    defaultLabels: hasDefaultLabels(endpoint, job),
    cards: worker.cards,
    registration: endpoint.registration,
    policy: policySettings(deps, worker),
    containers: { endpoint: endpoint.template, images: [...endpoint.containerImages] },
  };
}

/** By the place of its registration: whoever may use that place may be given this runner by GitHub. */
function policySettings(deps: Deps, { scope, tenant }: Worker): PolicySettings {
  const owner = ownerOf(scope);
  const { repositories, workflows, forks } = policyOf(deps.tenants, { id: tenant, login: owner });
  return {
    owner,
    ...(repositories && { repositories: [...repositories] }),
    ...(workflows && { workflows: [...workflows] }),
    forks,
  };
}

function registrationUrl(deps: Deps, { scope }: Worker): string {
  return `${deps.githubUrl}/${pathOf(scope)}`;
}

/**
 * `input`: as `loadJson` answers it. A workflow job has none, and nothing of RunPod's. The storage settings are opened here
 * alone.
 */
export function takenJobOf(
  { seal }: Pick<Deps, "seal">,
  job: Job,
  { input, now }: { readonly input: unknown; readonly now: EpochMs },
): TakenJob {
  const base = { id: job.id, input };
  if (job.api === undefined) return base;
  const { callback, retries, sealedS3Config } = job.api;
  const s3Config = sealedS3Config === undefined ? undefined : seal.open(job.id, sealedS3Config);
  return {
    ...base,
    ...(callback === undefined ? {} : { webhook: callback.url }),
    ...(s3Config === undefined ? {} : { s3Config: JSON.parse(s3Config) as unknown }),
    retries,
    delayTime: Math.max(0, now - job.queuedAt),
  };
}
