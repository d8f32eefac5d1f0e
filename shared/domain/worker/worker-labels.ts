// The labels that one worker's runner is registered with.
import type { Endpoint } from "../admission/endpoint.ts";
import { runnerLabels } from "../admission/endpoint.ts";
import { distinct } from "../admission/labels.ts";
import type { WorkerId } from "../ids.ts";
import type { Job } from "../job/job.ts";

/**
 * The endpoint's; for an API job also the worker's id, the label that only this job's runner has, and those that
 * workflows written for RunPod's own GitHub worker ask for (`[self-hosted, runpod]`).
 */
export function labelsOf(endpoint: Endpoint, worker: WorkerId, job: Job): string[] {
  const runner = job.api?.runner;
  if (runner === undefined) return runnerLabels(endpoint);
  return distinct([
    ...runnerLabels({ ...endpoint, defaultLabels: true }),
    worker,
    runner.label,
    ...runner.labels,
  ]);
}

export function hasDefaultLabels(endpoint: Endpoint, job: Job): boolean {
  return endpoint.defaultLabels || job.api?.runner !== undefined;
}
