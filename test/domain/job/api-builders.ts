// One valid example of each noun of the API; a test names only what it is about.

import type { Endpoint } from "../../../shared/domain/admission/endpoint.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import type { ApiCaller, ApiSide, RunnerRequest, WorkflowRun } from "../../../shared/domain/job/api-job.ts";
import { newApiJob } from "../../../shared/domain/job/api-steps.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { inlinePayload } from "../../../shared/domain/job/payload.ts";
import { anEndpoint, OWNER, T0, TENANT } from "../builders.ts";

export const API_JOB_ID = jobId("6f1d1a56-7c5e-8a3b-9a56-0d2c7c1f0a11-e1");

/** An API key of the example tenant. */
export const KEY_CALLER: ApiCaller = {
  tenant: TENANT,
  login: OWNER.login,
  repositoryId: undefined,
  run: undefined,
};

export const RUN: WorkflowRun = {
  owner: OWNER.login,
  ownerType: "Organization",
  repo: "kernels",
  runId: 7001,
  runAttempt: 1,
};

/** A workflow step of the example repository. */
export const OIDC_CALLER: ApiCaller = { ...KEY_CALLER, repositoryId: 81, run: RUN };

/** An endpoint with a program of its own. */
export function aProgramEndpoint(overrides: Partial<Endpoint> = {}): Endpoint {
  return anEndpoint({ command: ["python3", "handler.py"], startedBy: "api", ...overrides });
}

export function aRunnerRequest(overrides: Partial<RunnerRequest> = {}): RunnerRequest {
  return {
    scope: { type: "organization", org: OWNER.login },
    ownerType: "Organization",
    label: "npud-job-abcdefghijkl",
    labels: [],
    sealedPat: undefined,
    patErased: false,
    ...overrides,
  };
}

/** A queued job of a program, submitted at T0 by an API key. */
export function anApiJob(overrides: Partial<Job> = {}, side: Partial<ApiSide> = {}): Job {
  const job = newApiJob({
    id: API_JOB_ID,
    endpoint: aProgramEndpoint(),
    caller: KEY_CALLER,
    kind: "async",
    policy: { executionTimeoutMs: 600_000, ttlMs: 86_400_000, lowPriority: false },
    requestHash: "0123456789abcdef",
    input: inlinePayload('{"prompt":"hello"}'),
    runner: undefined,
    callbackUrl: undefined,
    now: T0,
  });
  return { ...job, ...overrides, api: { ...(job.api as ApiSide), ...side } };
}
