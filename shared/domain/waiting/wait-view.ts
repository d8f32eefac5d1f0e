// What `whyWaiting` answers, from a closed list of codes, and what it looks at.
import type { EndpointLimits } from "../admission/endpoint.ts";
import type { PausedPlace } from "../admission/pauses.ts";
import type { TenantState } from "../admission/tenant.ts";
import type { EpochMs } from "../ids.ts";
import type { Job } from "../job/job.ts";
import type { RestingNode } from "../pool/pool.ts";
import type { Worker } from "../worker/worker.ts";

/** In the order in which a job may meet them; docs/states.md has an example of each. */
export const WAIT_CODES = [
  "labels-not-served",
  "environment-gate",
  "start-failed",
  "start-backoff",
  "registration-refused",
  "not-assigned",
  "awaits-probe",
  "late-delivery",
  "unknown-to-github",
  "endpoint-removed",
  "pool-removed",
  "tenant-pending",
  "tenant-suspended",
  "tenant-removed",
  "pool-paused",
  "tenant-paused",
  "endpoint-paused",
  "larger-than-pool",
  "larger-than-quota",
  "quota-reached",
  "pool-unavailable",
  "github-limit",
  "workers-limit",
  "no-free-cards",
  "not-its-turn",
  "about-to-start",
  "starting",
  "pool-waits",
  "image-pull",
  "booting",
  "preflight",
  "registering",
  "listening",
  "taking",
  "settling",
] as const;
export type WaitCode = (typeof WAIT_CODES)[number];

export type WhyWaiting = {
  readonly code: WaitCode;
  /** What it waits for, and what to do, if anything; no secret. */
  readonly message: string;
  /** Epoch ms. */
  readonly since: EpochMs;
  /** When it goes on by itself at the latest, or is tried again; epoch ms. */
  readonly until?: EpochMs;
  /** When it starts by the pace of late, epoch ms: an estimate. Left out where nothing tells it. */
  readonly expectedAt?: EpochMs;
  /** 1: the next of its tenant in its pool. Left out behind more than `MAX_AHEAD` others. */
  readonly place?: number;
  /** Jobs of its tenant before it in its pool, at most `MAX_AHEAD`. */
  readonly ahead?: number;
  readonly cards?: { readonly needed: number; readonly free: number; readonly total: number };
};

/** So many heads of a lane are read to find a place in it. */
export const MAX_AHEAD = 100;

/** What a container that has not started waits for. `host`: its machine prepares it, or somebody has stopped it there. */
export type WaitsFor = "image" | "node" | "queue" | "quota" | "host";

/** What is known of a job's surroundings; a use case loads only what the job's state asks for. */
export type WaitView = {
  readonly now: EpochMs;
  readonly job: Job;
  /** Undefined: dispatch.yaml no longer has it. */
  readonly limits: EndpointLimits | undefined;
  readonly worker?: Worker | undefined;
  /** The pool's own words on a container that has not started. */
  readonly waits?: string | undefined;
  readonly waitsFor?: WaitsFor | undefined;
  readonly tenant?: TenantView | undefined;
  /** Undefined: dispatch.yaml no longer has it. */
  readonly pool?: PoolView | undefined;
  /** What the operator has paused, should the job be of it. */
  readonly paused?: PausedPlace | undefined;
  /** Jobs before it in its lane; `MAX_AHEAD + 1` stands for any more. */
  readonly ahead?: number | undefined;
  /** By the pace of late it starts in so many ms; undefined: nothing tells. */
  readonly waitMs?: number | undefined;
  /** What GitHub's limits leave; undefined: nothing is known to be short. */
  readonly github?: GithubRoom | undefined;
};

export type TenantView = {
  readonly login: string;
  readonly state: TenantState;
  readonly maxCards: number | undefined;
  readonly maxWorkers: number | undefined;
};

export type Machines = {
  /** Cards of the largest one in service, without those in quarantine. */
  readonly largest: number;
  /** With them. */
  readonly whole: number;
  readonly resting: readonly RestingNode[];
};

export type PoolView = {
  readonly name: string;
  /** False before the first dispatch pass has asked the pool: the numbers below are what the job needs. */
  readonly counted: boolean;
  readonly total: number;
  /** Without those in quarantine. */
  readonly usable: number;
  readonly free: number;
  /** Where it has nodes and they were counted: a worker has all its cards on one. */
  readonly machines?: Machines | undefined;
  readonly workers: number;
  readonly maxWorkers: number | undefined;
  /** What the job's tenant holds of it. */
  readonly ofTenant: { readonly cards: number; readonly workers: number };
  readonly unavailableUntil: EpochMs | undefined;
  /** Where it is known, its words hold until it was asked again. */
  readonly unavailableSince?: { readonly at: EpochMs; readonly iso: string } | undefined;
  readonly unavailableWhy: string | undefined;
};

/** What no turn in the line would help against. */
export type Obstacle = {
  readonly code: WaitCode;
  readonly message: string;
  readonly until?: EpochMs | undefined;
  /** Absent: as long as the job waits. */
  readonly since?: EpochMs | undefined;
};

/** Registrations or calls that GitHub's limits leave now. */
export type GithubRoom = { readonly left: number; readonly until: EpochMs | undefined };
