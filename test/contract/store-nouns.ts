// Plausible nouns for the store's tests; each test says only what it is about.

import type { Tenant } from "../../shared/domain/admission/tenant.ts";
import {
  endpointName,
  jobId,
  parseWorkerId,
  poolName,
  tenantId,
  type WorkerId,
} from "../../shared/domain/ids.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import type { Worker } from "../../shared/domain/worker/worker.ts";
import type { NearMiss } from "../../shared/ports/store.ts";

export const START = Date.UTC(2026, 5, 1);
export const POOL = poolName("a2");
export const TENANT = tenantId(4711);
export const LANE = { pool: POOL, tenant: TENANT };

export function aJob(id: string, rest: Partial<Job> = {}): Job {
  return {
    id: jobId(id),
    version: 0,
    origin: "github",
    state: "IN_QUEUE",
    endpoint: endpointName("linux-aarch64-a2-1"),
    pool: POOL,
    cards: 1,
    tenant: TENANT,
    priority: 0,
    createdAt: START,
    queuedAt: START,
    hold: undefined,
    workerId: undefined,
    formerWorkerId: undefined,
    starts: 0,
    failedStarts: 0,
    verifyAt: undefined,
    admitAt: undefined,
    phases: { queued: START },
    end: undefined,
    github: undefined,
    api: undefined,
    ...rest,
  };
}

export function workerId(text: string): WorkerId {
  const id = parseWorkerId(text);
  if (id === undefined) throw new Error(`${text} is no worker id`);
  return id;
}

export function aWorker(id: string, rest: Partial<Worker> = {}): Worker {
  return {
    id: workerId(id),
    version: 0,
    pool: POOL,
    endpoint: endpointName("linux-aarch64-a2-1"),
    tenant: TENANT,
    cards: 1,
    slots: [],
    jobId: jobId("gh-1"),
    state: "reserving",
    bootId: undefined,
    scope: { type: "organization", org: "octo-org" },
    runnerId: undefined,
    registered: false,
    drain: undefined,
    report: undefined,
    runningJobName: undefined,
    phases: {},
    createdAt: START,
    heartbeatAt: undefined,
    dueAt: START + 60_000,
    ...rest,
  };
}

export function aTenant(id: number, rest: Partial<Tenant> = {}): Tenant {
  return {
    id: tenantId(id),
    version: 0,
    login: `owner-${id}`,
    ownerType: "Organization",
    installationId: 99,
    state: "approved",
    updatedAt: START,
    ...rest,
  };
}

export function aNearMiss(rest: Partial<NearMiss> = {}): NearMiss {
  return {
    tenant: TENANT,
    login: "octo-org",
    labels: ["linux-arm64-npu-1o"],
    reason: "no endpoint has the label linux-arm64-npu-1o",
    lastAt: START,
    lastUrl: "https://github.com/octo-org/repo/actions/runs/1/job/1",
    ...rest,
  };
}

/** `next` with the version that follows. */
export function nextOf<Noun extends { readonly version: number }>(
  noun: Noun,
  change: Partial<Noun> = {},
): Noun {
  return { ...noun, ...change, version: noun.version + 1 };
}
