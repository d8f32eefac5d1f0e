// The worker's first call: the job it was started for, and all that its runner needs but the registration.

import { runnerLabels } from "../domain/endpoint.ts";
import type { JobId, WorkerId } from "../domain/ids.ts";
import { isTerminal } from "../domain/job.ts";
import { DEFAULT_TENANT_SETTINGS, settingsOf } from "../domain/tenant.ts";
import type { Worker } from "../domain/worker.ts";
import { taken } from "../domain/worker-steps.ts";
import type { DispatchSettings } from "../protocol/worker-plane.ts";
import type { Deps } from "./deps.ts";
import { endpointOf, limitsOf } from "./deps.ts";
import { updateWorker } from "./update.ts";

export type TakeOutcome =
  | { readonly type: "taken"; readonly jobId: JobId; readonly settings: DispatchSettings }
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
  const job = await deps.stores.jobs.get(worker.jobId);
  const endpoint = endpointOf(deps, worker.endpoint);
  if (job === undefined || endpoint === undefined) return { type: "nothing", reason: "its job is gone" };
  if (isTerminal(job) && worker.drain !== undefined)
    return { type: "nothing", reason: `its job is ${job.state}` };
  const owner = job.github?.repository.owner;
  const tenant =
    owner === undefined ? undefined : settingsOf(deps.tenants, { id: worker.tenant, login: owner.login });
  const { runnerGroup } = tenant ?? DEFAULT_TENANT_SETTINGS;
  return {
    type: "taken",
    jobId: job.id,
    settings: {
      url: registrationUrl(deps, worker),
      runnerName: worker.id,
      labels: runnerLabels(endpoint),
      ...(runnerGroup === undefined || worker.scope.type === "repository" ? {} : { runnerGroup }),
      defaultLabels: endpoint.defaultLabels,
      cards: worker.cards,
      registration: endpoint.registration,
    },
  };
}

function registrationUrl(deps: Deps, { scope }: Worker): string {
  const path = scope.type === "organization" ? scope.org : `${scope.owner}/${scope.repo}`;
  return `${deps.githubUrl}/${path}`;
}
