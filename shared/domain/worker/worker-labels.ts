// The labels that one worker's runner is registered with.
import type { Endpoint } from "../admission/endpoint.ts";
import { runnerLabels } from "../admission/endpoint.ts";
import { normalize } from "../admission/labels.ts";
import type { WorkerId } from "../ids.ts";
import type { Job } from "../job/job.ts";

/**
 * The endpoint's; for an API job also the worker's id, the label that only this job's runner has, and those that
 * workflows written for RunPod's own GitHub worker ask for (`[self-hosted, runpod]`). Config.sh adds the architecture's.
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

/** Case does not count at GitHub: the first spelling stays. */
function distinct(labels: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const label of labels) {
    if (!seen.has(normalize(label))) seen.set(normalize(label), label);
  }
  return [...seen.values()];
}
