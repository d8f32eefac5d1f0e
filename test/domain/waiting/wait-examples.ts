// One view for each code of `whyWaiting`: what the table of docs/states.md shows.

import type { PausedPlace, PauseMode, Place } from "../../../shared/domain/admission/pauses.ts";
import { PREPARE_MS } from "../../../shared/domain/deadlines.ts";
import type { Hold, HoldReason, Job } from "../../../shared/domain/job/job.ts";
import type { PoolView, TenantView, WaitCode, WaitView } from "../../../shared/domain/waiting/wait-view.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { aJob, aWorker, LIMITS, POOL, T0, TENANT, WORKER_ID } from "../builders.ts";
import { anApiJob } from "../job/api-builders.ts";

export const NOW = T0 + 30_000;

export const ACME_VIEW: TenantView = {
  login: "acme",
  state: "approved",
  maxCards: undefined,
  maxWorkers: undefined,
};

export function aPoolView(overrides: Partial<PoolView> = {}): PoolView {
  return {
    name: POOL,
    counted: true,
    total: 8,
    usable: 8,
    free: 8,
    workers: 0,
    maxWorkers: undefined,
    ofTenant: { cards: 0, workers: 0 },
    unavailableUntil: undefined,
    unavailableWhy: undefined,
    ...overrides,
  };
}

export function aWaitView(overrides: Partial<WaitView> = {}): WaitView {
  return {
    now: NOW,
    job: aJob(),
    limits: LIMITS,
    tenant: ACME_VIEW,
    pool: aPoolView(),
    ahead: 0,
    github: { left: 1_500, until: undefined },
    ...overrides,
  };
}

export function held(reason: HoldReason, message: string): WaitView {
  const hold: Hold = { reason, message, until: reason === "environment-gate" ? undefined : NOW + 60_000 };
  return aWaitView({ job: aJob({ hold, phases: { held: T0 } }) });
}

export function served(
  worker: Partial<Worker>,
  view: Partial<WaitView> = {},
  job: Partial<Job> = {},
): WaitView {
  const claimed = aJob({ workerId: WORKER_ID, phases: { queued: T0, starting: T0 }, ...job });
  return aWaitView({ job: claimed, worker: aWorker(worker), ...view });
}

const booting: Partial<Worker> = { state: "starting", phases: { booting: T0 } };
const tenant = (overrides: Partial<TenantView>) => ({ tenant: { ...ACME_VIEW, ...overrides } });
const program = anApiJob({ workerId: WORKER_ID });

function aPause(place: Place, mode: PauseMode = "pause"): PausedPlace {
  return { place, pause: { mode, reason: "driver upgrade until 14:00", at: T0, by: "admin" } };
}

/** `labels-not-served` is of no job: `whyNotServed`. */
export const WAIT_EXAMPLES: { readonly [code in Exclude<WaitCode, "labels-not-served">]: WaitView } = {
  "environment-gate": held("environment-gate", "waits for an approval or a deployment environment"),
  "start-failed": held("start-failed", "the pool has no image quay.io/ascend/cann:9"),
  "start-backoff": held("start-backoff", "card 3 is busy"),
  "registration-refused": held("registration-refused", "GitHub has no runner group npu"),
  "not-assigned": held("not-assigned", "its runner listened and GitHub gave it no job"),
  "awaits-probe": held("awaits-probe", "a runner for another job of its matrix listened and was given none"),
  "late-delivery": held("late-delivery", "its delivery is late: GitHub is asked whether it still waits"),
  "unknown-to-github": held("unknown-to-github", "GitHub does not know this job"),
  "endpoint-removed": aWaitView({ limits: undefined }),
  "pool-removed": aWaitView({ pool: undefined }),
  "tenant-pending": aWaitView(tenant({ state: "pending" })),
  "tenant-suspended": aWaitView(tenant({ state: "suspended" })),
  "tenant-removed": aWaitView(tenant({ state: "removed" })),
  "pool-paused": aWaitView({ paused: aPause({ kind: "pool", name: POOL }) }),
  "tenant-paused": aWaitView({ paused: aPause({ kind: "tenant", name: TENANT }) }),
  "endpoint-paused": aWaitView({ paused: aPause({ kind: "endpoint", name: aJob().endpoint }, "drain") }),
  "larger-than-pool": aWaitView({ job: aJob({ cards: 16 }) }),
  "larger-than-quota": aWaitView({ ...tenant({ maxCards: 4 }), job: aJob({ cards: 8 }) }),
  "quota-reached": aWaitView({
    ...tenant({ maxCards: 4 }),
    pool: aPoolView({ ofTenant: { cards: 4, workers: 2 } }),
  }),
  "pool-unavailable": aWaitView({
    pool: aPoolView({
      unavailableUntil: NOW + 5_000,
      unavailableSince: { at: Date.UTC(2026, 11, 1, 12, 30, 5), iso: "2026-12-01T12:30:05Z" },
      unavailableWhy: "its API server does not answer",
    }),
  }),
  "github-limit": aWaitView({ github: { left: 0, until: NOW + 90_000 } }),
  "workers-limit": aWaitView({ pool: aPoolView({ maxWorkers: 20, workers: 20 }) }),
  "no-free-cards": aWaitView({ job: aJob({ cards: 4 }), pool: aPoolView({ free: 2 }), ahead: 3 }),
  "not-its-turn": aWaitView({ ahead: 2 }),
  "about-to-start": aWaitView(),
  starting: served({ state: "reserving" }),
  "pool-waits": served(booting, { waits: "0/4 nodes have 8 free cards", waitsFor: "node" }),
  "image-pull": served(booting, {
    waits: "ErrImagePull: quay.io/ascend/cann:9 not found",
    waitsFor: "image",
  }),
  booting: served(booting),
  preflight: served({ state: "booted", phases: { preflight: T0 } }),
  registering: served({ state: "booted", phases: { preflight: T0, registering: T0 } }),
  listening: served({ state: "listening", phases: { listening: T0 } }),
  taking: {
    ...served({ kind: "program", state: "listening", jobId: program.id, phases: { listening: T0 } }),
    job: program,
  },
  settling: served({ state: "lost", phases: { done: T0 + PREPARE_MS } }),
};
