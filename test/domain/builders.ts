// One valid example of each noun, the same everywhere; a test names only what it is about.

import type { Endpoint, EndpointLimits, EndpointTemplate } from "../../shared/domain/admission/endpoint.ts";
import { expandEndpoint } from "../../shared/domain/admission/endpoint.ts";
import type { Catalogue } from "../../shared/domain/admission/matching.ts";
import { IDLE_MS, WARM_MS } from "../../shared/domain/deadlines.ts";
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { WorkerId } from "../../shared/domain/ids.ts";
import { endpointName, githubJobId, parseWorkerId, poolName, tenantId } from "../../shared/domain/ids.ts";
import type { GithubSide, Job } from "../../shared/domain/job/job.ts";
import type { Pool } from "../../shared/domain/pool/pool.ts";
import type { LaneView } from "../../shared/domain/pool/scheduling.ts";
import type { Worker } from "../../shared/domain/worker/worker.ts";
import type { WorkerReport } from "../../shared/domain/worker-report.ts";

/** 2026-01-01T00:00:00Z: every example was made at or after it. */
export const T0 = 1_767_225_600_000;
export const OWNER = { id: 4711, login: "Acme", type: "Organization" } as const;
export const TENANT = tenantId(OWNER.id);
export const POOL = poolName("a2");
export const LIMITS: EndpointLimits = {
  executionMs: 3_600_000,
  idleMs: IDLE_MS,
  warmMs: WARM_MS,
  bootMs: 900_000,
};
export const REPOSITORY = { id: 81, owner: OWNER, name: "kernels" } as const;
const WORKFLOW_JOB_ID = 100_520_616_165;

/** A worker id; throws for a text that cannot be one, so that no test passes by accident. */
export function aWorkerId(text: string): WorkerId {
  const id = parseWorkerId(text);
  if (id === undefined) throw new Error(`"${text}" is not a worker id`);
  return id;
}

export const WORKER_ID = aWorkerId("npud-t3st00-worker0001");

/** GitHub's `queued`, no runner yet. */
export function aWord(overrides: Partial<WorkflowJobWord> = {}): WorkflowJobWord {
  const workflowJobId = overrides.workflowJobId ?? WORKFLOW_JOB_ID;
  return {
    workflowJobId,
    runId: 7001,
    runAttempt: 1,
    name: "build",
    workflowName: "ci",
    headBranch: "main",
    htmlUrl: `https://github.com/Acme/kernels/actions/runs/7001/job/${workflowJobId}`,
    labels: ["linux-aarch64-a2-1"],
    repository: REPOSITORY,
    installationId: 99,
    status: "queued",
    conclusion: undefined,
    runner: undefined,
    createdAt: T0,
    startedAt: undefined,
    ...overrides,
  };
}

/** What a job keeps of GitHub's word. */
export function aGithubSide(overrides: Partial<WorkflowJobWord> = {}): GithubSide {
  const { createdAt: _createdAt, ...side } = aWord(overrides);
  return side;
}

/** A queued workflow job that waits for one card. Its id follows its GitHub side. */
export function aJob(overrides: Partial<Job> = {}): Job {
  const github = "github" in overrides ? overrides.github : aGithubSide();
  return {
    id: githubJobId(github?.workflowJobId ?? WORKFLOW_JOB_ID),
    version: 1,
    origin: "github",
    state: "IN_QUEUE",
    endpoint: endpointName("linux-aarch64-a2-1"),
    pool: POOL,
    cards: 1,
    tenant: TENANT,
    priority: 0,
    createdAt: T0,
    queuedAt: T0,
    hold: undefined,
    workerId: undefined,
    formerWorkerId: undefined,
    starts: 0,
    failedStarts: 0,
    verifyAt: undefined,
    admitAt: undefined,
    phases: { queued: T0 },
    end: undefined,
    api: undefined,
    ...overrides,
    github,
  };
}

/** A worker for `aJob()`, just written: `reserving`. */
export function aWorker(overrides: Partial<Worker> = {}): Worker {
  return {
    id: WORKER_ID,
    version: 1,
    pool: POOL,
    endpoint: endpointName("linux-aarch64-a2-1"),
    tenant: TENANT,
    kind: "github",
    cards: 1,
    slots: [],
    jobId: githubJobId(WORKFLOW_JOB_ID),
    state: "reserving",
    bootId: undefined,
    scope: { type: "organization", org: OWNER.login },
    runnerId: undefined,
    registered: false,
    drain: undefined,
    report: undefined,
    runningJobName: undefined,
    phases: {},
    createdAt: T0,
    heartbeatAt: undefined,
    dueAt: T0 + 30_000,
    ...overrides,
  };
}

/** A worker's word that its runner ran a job to its end. */
/** Only a runner that had a job knows its name, and only one that ran it to its end a result. */
export function aReport(overrides: Partial<WorkerReport> = {}): WorkerReport {
  const { outcome = "ran" } = overrides;
  return {
    outcome,
    message: "its runner ran one job",
    runnerExit: { code: 0, signal: undefined },
    jobName: outcome === "ran" || outcome === "runner-died" ? "build" : undefined,
    result: outcome === "ran" ? "Succeeded" : undefined,
    ...overrides,
  };
}

/** A pattern: `linux-aarch64-a2-{npus}` with 1, 2, 4 or 8 cards. */
export function aTemplate(overrides: Partial<EndpointTemplate> = {}): EndpointTemplate {
  return {
    name: "linux-aarch64-a2-{npus}",
    selector: "linux-aarch64-a2-{npus}",
    labels: ["self-hosted", "linux", "arm64", "npu"],
    pool: POOL,
    cards: undefined,
    counts: [1, 2, 4, 8],
    startedBy: "webhook",
    registration: "auto",
    defaultLabels: false,
    image: "quay.io/ascend/cann:8.5.0-910b-ubuntu22.04-py3.11",
    command: undefined,
    containerImages: [],
    limits: LIMITS,
    ...overrides,
  };
}

/** The one-card endpoint of `aTemplate()`. */
export function anEndpoint(overrides: Partial<Endpoint> = {}): Endpoint {
  const [endpoint] = expandEndpoint(aTemplate({ counts: [1] }));
  if (endpoint === undefined) throw new Error("a pattern with one count has one endpoint");
  return { ...endpoint, ...overrides };
}

/** The a2 pattern, one endpoint without a pattern, and one without cards. */
export function aCatalogue(
  templates: readonly EndpointTemplate[] = [aTemplate(), ARM64_NPU_1, X64_CPU],
): Catalogue {
  return { templates, endpoints: templates.flatMap(expandEndpoint) };
}

const ARM64_NPU_1 = aTemplate({
  name: "linux-arm64-npu-1",
  selector: "linux-arm64-npu-1",
  labels: ["npu"],
  cards: 1,
  counts: [],
});
const X64_CPU = aTemplate({
  name: "linux-x64-cpu",
  selector: "linux-x64-cpu",
  labels: ["linux", "x64"],
  pool: poolName("cpu"),
  cards: undefined,
  counts: [],
});

/** Eight cards, all free. */
export function aPool(overrides: Partial<Pool> = {}): Pool {
  return {
    name: POOL,
    version: 1,
    total: 8,
    reservations: {},
    lock: undefined,
    dirty: false,
    unavailableUntil: undefined,
    ...overrides,
  };
}

/** The lane of the example tenant, empty and without a quota. */
export function aLaneView(overrides: Partial<LaneView> = {}): LaneView {
  return {
    lane: { pool: POOL, tenant: TENANT, login: OWNER.login },
    weight: 1,
    maxCards: undefined,
    maxWorkers: undefined,
    heads: [],
    ...overrides,
  };
}
