// The use cases of the worker plane, bound to what they need.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { Deps } from "../../../shared/usecases/deps.ts";
import { awaitJob, awaitStop } from "../../../shared/usecases/worker-plane/await-job.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import type { Ask } from "../../../shared/usecases/worker-plane/give-job.ts";
import { returnJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { receiveChunk, refuseChunk } from "../../../shared/usecases/worker-plane/receive-chunk.ts";
import { receiveResult, refuseResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";

export type WorkerUseCases = ReturnType<typeof bindWorkerUseCases>;

/** `holdMs`: how long a program's poll without an answer is held; 0 where each answer must come at once. */
export function bindWorkerUseCases(deps: Deps, { holdMs }: { readonly holdMs: number }) {
  return {
    takeJob: withDeps(deps, takeJob),
    registerRunner: withDeps(deps, registerRunner),
    recordPing: withDeps(deps, recordPing),
    finishWorker: withDeps(deps, finishWorker),
    awaitJob: (worker: WorkerId, ask: Ask, signal: AbortSignal) =>
      awaitJob(deps, worker, ask, { holdMs, signal, pause }),
    awaitStop: (worker: WorkerId, signal: AbortSignal) => awaitStop(deps, worker, { holdMs, signal, pause }),
    returnJob: withDeps(deps, returnJob),
    receiveResult: withDeps(deps, receiveResult),
    refuseResult: withDeps(deps, refuseResult),
    receiveChunk: withDeps(deps, receiveChunk),
    refuseChunk: withDeps(deps, refuseChunk),
    /** False: a worker without work is to be told to come again later, since nothing keeps it from asking at once. */
    holds: holdMs > 0,
  };
}

function withDeps<Rest extends unknown[], Answer>(
  deps: Deps,
  useCase: (deps: Deps, ...rest: Rest) => Promise<Answer>,
): (...rest: Rest) => Promise<Answer> {
  return (...rest) => useCase(deps, ...rest);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
