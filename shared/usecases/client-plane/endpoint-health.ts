// /health: how many jobs and workers an endpoint has, over all of its tenants, and nothing about any one of them.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import type { JobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { awayUntil } from "../../domain/pool/pool-gate.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { endpointNamed } from "./api-deps.ts";
import { MAX_OPEN_JOBS } from "./queue-limit.ts";
import { shareAnswer } from "./shared-answer.ts";

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

/** Whoever purges and looks again sees it soon. */
const KEPT_FOR_MS = 1_000;

/** One per process, since all who ask within a second get the same. */
export function createHealthOf(deps: Deps): (caller: ApiCaller, name: string) => Promise<Health | undefined> {
  const health = shareAnswer(deps.clock, (endpoint) => countUp(deps, endpoint), KEPT_FOR_MS);
  return async function healthOf(_caller, name) {
    const endpoint = endpointNamed(deps, name);
    return endpoint === undefined ? undefined : health(endpoint);
  };
}

/** Jobs that wait are counted by the index alone: to read 2,000 of 16 kB takes a quarter of a second and 30 MB. */
async function countUp(deps: Deps, endpoint: Endpoint): Promise<Health> {
  const [open, workers, counts, pool] = await Promise.all([
    deps.apiStores.apiJobs.open(endpoint.name, MAX_OPEN_JOBS),
    workersOf(deps, endpoint),
    deps.apiStores.counts.get(endpoint.name),
    deps.stores.pools.get(endpoint.pool),
  ]);
  const claimed = await jobsOf(deps, workers);
  const inProgress = claimed.filter(({ state }) => state === "IN_PROGRESS").length;
  const busy = new Set(claimed.filter(({ state }) => state === "IN_PROGRESS").map(({ id }) => id));
  const of = (kind: Kind) => workers.filter((worker) => kindOf(worker, busy) === kind).length;
  const waits = pool !== undefined && awayUntil(pool, deps.clock.now()) !== undefined;
  return {
    jobs: { ...counts, inProgress, inQueue: atLeast0(open.length - inProgress) },
    workers: {
      idle: of("idle"),
      initializing: of("initializing"),
      ready: of("idle"),
      running: of("running"),
      throttled: waits ? atLeast0(open.length - claimed.length) : 0,
      unhealthy: of("unhealthy"),
    },
  };
}

async function workersOf(deps: Deps, { pool, name }: Endpoint): Promise<Worker[]> {
  return (await deps.stores.workers.live(pool)).filter(({ endpoint }) => endpoint === name);
}

/** Those of them that have not ended: no more than there are cards. */
async function jobsOf(deps: Deps, workers: readonly Worker[]): Promise<Job[]> {
  const ids = new Set(workers.map(({ jobId }) => jobId));
  const jobs = await Promise.all([...ids].map((id) => deps.stores.jobs.get(id)));
  return jobs.filter((job) => job !== undefined && !isTerminal(job) && job.workerId !== undefined) as Job[];
}

/** The index may be behind. */
const atLeast0 = (count: number) => Math.max(0, count);

type Kind = "idle" | "initializing" | "running" | "unhealthy" | "ending";

function kindOf(worker: Worker, busy: ReadonlySet<JobId>): Kind {
  // What is taken down because its job was cancelled, or ran too long, is well.
  if (worker.state === "lost" && worker.drain === undefined) return "unhealthy";
  if (!isServing(worker)) return "ending";
  if (worker.state === "running" || busy.has(worker.jobId)) return "running";
  return worker.state === "reserving" || worker.state === "starting" ? "initializing" : "idle";
}
