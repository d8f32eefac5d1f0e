// A job as the worker plane hands it out, in RunPod's fields.
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { TakenJob } from "../../protocol/worker-plane.ts";
import type { Deps } from "../deps.ts";

/** `input`: its JSON text. A workflow job has none, and nothing of RunPod's. The storage settings are opened here alone. */
export function takenJobOf(
  { seal }: Pick<Deps, "seal">,
  job: Job,
  { input, now }: { readonly input: string; readonly now: EpochMs },
): TakenJob {
  const base = { id: job.id, input: JSON.parse(input) as unknown };
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
