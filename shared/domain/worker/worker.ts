// A worker is one container started by a pool for one job.
//
//   reserving --pool says started--> starting --take--> booted --Listening--> listening --Running job--> running
//       \________________________________\________________\____________________\___________________________/
//                                         |  job-done, drain, or its container gone
//                                         v
//                          finished (it reported) or lost (it did not) --pool confirms it is gone--> released
import type { EndpointName, EpochMs, JobId, PoolName, TenantId, WorkerId } from "../ids.ts";
import type { NodePlan } from "../pool/node-room.ts";
import type { RunnerScope } from "../runner-scope.ts";
import type { Binding } from "../started-job.ts";
import type { WorkerReport } from "../worker-report.ts";

export type WorkerState =
  | "reserving"
  | "starting"
  | "booted"
  | "listening"
  | "running"
  | "finished"
  | "lost"
  | "released";

/** Phases that a worker goes through, a subset of the job's. */
export type WorkerPhase = "booting" | "preflight" | "registering" | "listening" | "running" | "done";

/**
 * What it was started for: a workflow job's runner, an API job's runner, or a program of its own that takes API jobs one
 * after the other.
 */
export type WorkerKind = "github" | "api-runner" | "program";

/** The worker's hold on its job: given with a take, sure once the worker has shown that it has it. Programs only. */
export type JobLease = {
  readonly jobId: JobId;
  /** Of the job when it was given; `/retry` makes the next one. */
  readonly generation: number;
  readonly givenAt: EpochMs;
  /** How often it was given: an answer may be lost on its way. */
  readonly times: number;
  /** A ping named the job, or progress, a chunk or the result came. */
  readonly ackedAt: EpochMs | undefined;
  /** The first ping after that which did not name it. */
  readonly missedAt: EpochMs | undefined;
};

export type DrainReason =
  | "job-ended"
  | "surplus"
  | "idle"
  | "execution-timeout"
  | "operator"
  /** A program has said that it takes no further one. */
  | "last-job"
  /** It listens, and GitHub has no registration of its name: no job can come. */
  | "registration-gone"
  /** Adopted before its runner listened: without its record it cannot get a registration. */
  | "no-record";

type CardPlace = {
  readonly node: string | undefined;
  /** In the order of its slots, where it has slots. */
  readonly devices: readonly string[] | undefined;
};

export type Worker = {
  readonly id: WorkerId;
  readonly version: number;
  readonly pool: PoolName;
  readonly endpoint: EndpointName;
  readonly tenant: TenantId;
  /** Absent in records of before the API. */
  readonly kind?: WorkerKind;
  readonly lease?: JobLease | undefined;
  readonly cards: number;
  /** Card indices where the dispatcher must name them (a host), else empty. */
  readonly slots: readonly number[];
  /** Of its start; so that one that is resumed comes out the same. Absent: any node. */
  readonly plan?: NodePlan | undefined;
  /** The job it serves now; the job's `workerId` is the truth. */
  readonly jobId: JobId;
  readonly state: WorkerState;
  /** The first boot to take owns the worker; a second container with the same token gets nothing. */
  readonly bootId: string | undefined;
  readonly scope: RunnerScope;
  /** Known from a JIT config or from GitHub's events. */
  readonly runnerId: number | undefined;
  /** A runner of its name may exist at GitHub. */
  readonly registered: boolean;
  /** Its last question for a registration, by the boot's own count: only that one is answered. Absent: none was asked. */
  readonly registrationAsk?: number | undefined;
  /**
   * Its own job is gone, and jobs that GitHub could still give it are not assigned yet: kept, and looked at again then.
   * Absent in records of before.
   */
  readonly spareUntil?: EpochMs | undefined;
  /**
   * When GitHub was last asked whether the registration of this idle runner is still there. Absent in records of before.
   */
  readonly registrationCheckedAt?: EpochMs | undefined;
  /** What its next ping is answered. */
  readonly drain: { readonly reason: DrainReason; readonly at: EpochMs } | undefined;
  readonly report: WorkerReport | undefined;
  /**
   * What ended its container, or kept it from being started, in its pool's words, where it left no report itself or only
   * that it was told to end. Absent: nobody knows.
   */
  readonly lostWhy?: string | undefined;
  /**
   * Where its cards were and what its host calls them, as far as its pool knows; noted at its end, should that blame
   * them.
   */
  readonly place?: CardPlace | undefined;
  /** What its runner's hook said it was given; absent until then, for programs, and in records of before. */
  readonly binding?: Binding | undefined;
  /** The display name that its runner printed in `Running job:`; not an id. */
  readonly runningJobName: string | undefined;
  readonly phases: { readonly [phase in WorkerPhase]?: EpochMs };
  readonly createdAt: EpochMs;
  readonly heartbeatAt: EpochMs | undefined;
  /** When the reconciler must look at it. */
  readonly dueAt: EpochMs | undefined;
};

/** Nobody has written it since `seen` was read, nor has it been heard of. */
export function isAsSeen(worker: Worker, seen: Worker): boolean {
  return worker.version === seen.version && worker.heartbeatAt === seen.heartbeatAt;
}

/** Holds cards: everything before `released`. */
export function isLive(worker: Worker): boolean {
  return worker.state !== "released";
}

/** Could still take a workflow job or is running one. */
export function isServing(worker: Worker): boolean {
  return !["finished", "lost", "released"].includes(worker.state);
}

/** Its runner may already have a workflow job: from `listening` on only the worker itself can tell. */
export function mayRunJob(worker: Worker): boolean {
  return worker.state === "running" || worker.state === "listening";
}
