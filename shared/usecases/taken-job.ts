// A job as the worker plane hands it out, in RunPod's fields.
import type { EpochMs } from "../domain/ids.ts";
import type { Job } from "../domain/job.ts";
import type { TakenJob } from "../protocol/worker-plane.ts";

/** `input`: its JSON text. A workflow job has none, and nothing of RunPod's. */
export function takenJobOf(job: Job, input: string, now: EpochMs): TakenJob {
  const base = { id: job.id, input: JSON.parse(input) as unknown };
  if (job.api === undefined) return base;
  const { callback, retries } = job.api;
  return {
    ...base,
    ...(callback === undefined ? {} : { webhook: callback.url }),
    retries,
    delayTime: Math.max(0, now - job.queuedAt),
  };
}
