// /health: how many jobs and workers an endpoint has, over all of its tenants, and nothing about any one of them.
import type { ApiCaller } from "../../domain/api-job.ts";
import type { Endpoint } from "../../domain/endpoint.ts";
import type { JobId } from "../../domain/ids.ts";
import type { Worker } from "../../domain/worker.ts";
import type { Deps } from "../deps.ts";
import { endpointNamed } from "./api-deps.ts";
import { openJobs } from "./open-jobs.ts";
import { MAX_OPEN_JOBS } from "./queue-limit.ts";

export type Health = {
  readonly jobs: {
    readonly completed: number;
    readonly failed: number;
    readonly inProgress: number;
    readonly inQueue: number;
    readonly retried: number;
  };
  /** `ready` is `idle`, as RunPod shows it: up and without a job. */
  readonly workers: {
    readonly idle: number;
    readonly initializing: number;
    readonly ready: number;
    readonly running: number;
    /** Jobs that would have a worker if their pool took more at the moment. */
    readonly throttled: number;
    readonly unhealthy: number;
  };
};

export async function healthOf(deps: Deps, _caller: ApiCaller, name: string): Promise<Health | undefined> {
  const endpoint = endpointNamed(deps, name);
  if (endpoint === undefined) return undefined;
  const [jobs, workers, counts, pool] = await Promise.all([
    openJobs(deps, endpoint.name, MAX_OPEN_JOBS),
    workersOf(deps, endpoint),
    deps.apiStores.counts.get(endpoint.name),
    deps.stores.pools.get(endpoint.pool),
  ]);
  const inProgress = jobs.filter(({ state }) => state === "IN_PROGRESS");
  const inQueue = jobs.length - inProgress.length;
  const busy = new Set(inProgress.map(({ id }) => id));
  const of = (kind: Kind) => workers.filter((worker) => kindOf(worker, busy) === kind).length;
  const waits = (pool?.unavailableUntil ?? 0) > deps.clock.now();
  return {
    jobs: { ...counts, inProgress: inProgress.length, inQueue },
    workers: {
      idle: of("idle"),
      initializing: of("initializing"),
      ready: of("idle"),
      running: of("running"),
      throttled: waits ? jobs.filter(({ workerId }) => workerId === undefined).length : 0,
      unhealthy: of("unhealthy"),
    },
  };
}

async function workersOf(deps: Deps, { pool, name }: Endpoint): Promise<Worker[]> {
  return (await deps.stores.workers.live(pool)).filter(({ endpoint }) => endpoint === name);
}

type Kind = "idle" | "initializing" | "running" | "unhealthy" | "ending";

function kindOf(worker: Worker, busy: ReadonlySet<JobId>): Kind {
  if (worker.state === "lost") return "unhealthy";
  if (worker.state === "finished" || worker.state === "released") return "ending";
  if (worker.state === "running" || busy.has(worker.jobId)) return "running";
  return worker.state === "reserving" || worker.state === "starting" ? "initializing" : "idle";
}
