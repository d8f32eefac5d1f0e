// What a program says of its job: progress, then the result. Only the worker that holds the job is heard.

import { clipError } from "../../domain/clip-report.ts";
import { ASYNC_RESULT_MS } from "../../domain/deadlines.ts";
import type { EpochMs, JobId, WorkerId } from "../../domain/ids.ts";
import type { ApiEnd } from "../../domain/job/api-steps.ts";
import { progressed } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { JsonBytes, Payload } from "../../domain/job/payload.ts";
import { bytesOf, jsonOf } from "../../domain/job/payload.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isSameLease, unleased } from "../../domain/worker/worker-lease.ts";
import { draining } from "../../domain/worker/worker-steps.ts";
import type { JobDone } from "../../protocol/worker-plane.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { endApiJob, holds } from "../ending/end-api-job.ts";
import { takeStorageFor } from "../storage/take-storage.ts";
import { updateJob, updateWorker } from "../update.ts";
import { endAfterLast } from "./end-after-last.ts";
import { acknowledge, jobServedBy, keptUntil } from "./program-job.ts";

/**
 * `ignored`: the job has ended, or another worker has it; the sender is told "fine", since no other answer would help it.
 * `not-a-program`: the worker was started for a runner, and its report is another matter.
 */
export type Heard = "heard" | "ignored" | "not-a-program";

/** A result or progress, as RunPod's SDK posts both to one path. Safe to repeat. */
export async function receiveResult(deps: Deps, id: WorkerId, job: JobId, body: JobDone): Promise<Heard> {
  const saidAt = deps.clock.now();
  const worker = await deps.stores.workers.get(id);
  if (worker !== undefined && worker.kind !== "program") return "not-a-program";
  const served = worker === undefined ? undefined : await jobServedBy(deps, worker, { job, saidAt });
  if (worker === undefined || served === undefined) return "ignored";
  if (body.status === "IN_PROGRESS") return receiveProgress(deps, worker, { served, body, saidAt });
  if (body.stopPod === true) await markLast(deps, worker);
  const ended = isTerminal(served)
    ? false
    : await endApiJob(deps, worker, job, await endOf(deps, worker, served, body));
  // Its last progress, in whose place the result is.
  if (ended) await forgetOutput(deps, served);
  await freeWorker(deps, worker, body.stopPod === true);
  return ended ? "heard" : "ignored";
}

/** The result came and cannot be kept: too large, or not JSON. The job must not wait for another one. */
export async function refuseResult(deps: Deps, id: WorkerId, job: JobId, why: string): Promise<Heard> {
  const saidAt = deps.clock.now();
  const worker = await deps.stores.workers.get(id);
  if (worker !== undefined && worker.kind !== "program") return "not-a-program";
  if (worker === undefined || (await jobServedBy(deps, worker, { job, saidAt })) === undefined)
    return "ignored";
  const end = { state: "FAILED", reason: "result-refused", message: why, error: why } as const;
  const ended = await endApiJob(deps, worker, job, end);
  await freeWorker(deps, worker, false);
  return ended ? "heard" : "ignored";
}

type Progress = { readonly served: Job; readonly body: JobDone; readonly saidAt: EpochMs };

async function receiveProgress(deps: Deps, worker: Worker, progress: Progress): Promise<Heard> {
  const { served, body, saidAt } = progress;
  if (isTerminal(served)) return "ignored";
  // A name of its own each time: parts must not change under a job that names them.
  const key = `${keyOf(worker, served)}-progress-${served.version}`;
  const json = jsonOf(body.output ?? null);
  const storage = await takeStorageFor(deps, served.tenant, bytesOf(json));
  // The progress before stays: what comes next may have room.
  if (storage.type === "full") return "ignored";
  const output = await deps.apiStores.payloads.put(key, json, keptUntil(deps, served), served.tenant);
  const { changed } = await updateJob(deps.stores.jobs, served.id, (job) =>
    holds(worker, job) ? progressed(job, output) : undefined,
  );
  if (!changed) return "ignored";
  await forgetOutput(deps, served);
  await acknowledge(deps, worker, served.id, saidAt);
  return "heard";
}

/**
 * Before its job ends: what that sets in motion frees the worker for the next one, which would wait for a program that is
 * leaving.
 */
async function markLast(deps: Deps, { id, lease }: Worker): Promise<void> {
  await updateWorker(deps.stores.workers, id, (current) =>
    lease !== undefined && isSameLease(current.lease, lease)
      ? draining(current, "last-job", stepOf(deps, current))
      : undefined,
  );
}

/** After `stopPod` the worker gets nothing more: RunPod's SDK may go on asking, so it is ended rather than waited for. */
async function freeWorker(deps: Deps, { id, lease }: Worker, isLast: boolean): Promise<void> {
  if (isLast) return endAfterLast(deps, id);
  await updateWorker(deps.stores.workers, id, (current) =>
    lease !== undefined && isSameLease(current.lease, lease)
      ? unleased(current, lease, stepOf(deps, current))
      : undefined,
  );
}

async function forgetOutput({ apiStores }: Deps, { api }: Job): Promise<void> {
  if (api?.output !== undefined) await apiStores.payloads.remove(api.output);
}

async function endOf(deps: Deps, worker: Worker, job: Job, body: JobDone): Promise<ApiEnd> {
  const json = body.output === undefined ? undefined : jsonOf(body.output);
  const storage = json === undefined ? undefined : await takeStorageFor(deps, job.tenant, bytesOf(json));
  if (storage?.type === "full") {
    const message = `the result cannot be kept: ${storage.message}`;
    return { state: "FAILED", reason: "result-refused", message, error: message };
  }
  const output = await storeOutput(deps, worker, job, json);
  if (body.error !== undefined) {
    const message = "its program reported an error";
    return { state: "FAILED", reason: "worker-failed", message, error: clipError(body.error), output };
  }
  return { state: "COMPLETED", reason: "succeeded", message: "its program returned", output };
}

/** RunPod shows no output for a handler that returned `{}`. */
async function storeOutput(
  deps: Deps,
  worker: Worker,
  job: Job,
  json: string | JsonBytes | undefined,
): Promise<Payload | undefined> {
  if (json === undefined || json === "{}") return undefined;
  const until = deps.clock.now() + ASYNC_RESULT_MS;
  return deps.apiStores.payloads.put(keyOf(worker, job), json, until, job.tenant);
}

/** Each generation and worker writes under a name of its own: a late one cannot reach into another's result. */
function keyOf(worker: Worker, job: Job): string {
  return `job#${job.id}#${job.api?.generation ?? 0}#out-${worker.id}`;
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
