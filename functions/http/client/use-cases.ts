// The use cases of the client plane, bound to what they need.
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { ApiDeps } from "../../../shared/usecases/client-plane/api-deps.ts";
import { awaitStatus } from "../../../shared/usecases/client-plane/await-status.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { drainStream } from "../../../shared/usecases/client-plane/drain-stream.ts";
import { createHealthOf } from "../../../shared/usecases/client-plane/endpoint-health.ts";
import { statusOf, statusWithTtl } from "../../../shared/usecases/client-plane/job-status.ts";
import { listNearMisses } from "../../../shared/usecases/client-plane/list-near-misses.ts";
import { listRequests } from "../../../shared/usecases/client-plane/list-requests.ts";
import { purgeQueue } from "../../../shared/usecases/client-plane/purge-queue.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";

export type ClientUseCases = ReturnType<typeof bindUseCases>;

/** `undefined` of any of them is 404: unknown, expired, or not the caller's. */
export function bindUseCases(deps: ApiDeps) {
  return {
    runJob: withDeps(deps, runJob),
    statusOf: withDeps(deps, statusOf),
    statusWithTtl: withDeps(deps, statusWithTtl),
    awaitStatus: withDeps(deps, awaitStatus),
    drainStream: withDeps(deps, drainStream),
    cancelJob: withDeps(deps, cancelJob),
    retryJob: withDeps(deps, retryJob),
    purgeQueue: withDeps(deps, purgeQueue),
    healthOf: createHealthOf(deps),
    listRequests: (caller: ApiCaller, endpoint: string) => listRequests(deps, caller, endpoint, nextTurn),
    listNearMisses: (caller: ApiCaller) => listNearMisses(deps, caller),
  };
}

/** All but the last take the caller and the endpoint's name, as the path has it, first. */
function withDeps<Rest extends unknown[], Answer>(
  deps: ApiDeps,
  useCase: (deps: ApiDeps, caller: ApiCaller, endpoint: string, ...rest: Rest) => Promise<Answer>,
) {
  return (caller: ApiCaller, endpoint: string, ...rest: Rest) => useCase(deps, caller, endpoint, ...rest);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
