// The side of a job that came through the API: RunPod's request, its policy, its result, and who may see it.
import { PAIRING_CHECK_MS, RUN_CHECK_MS } from "../deadlines.ts";
import type { EpochMs, TenantId, WorkerId } from "../ids.ts";
import type { RunnerScope } from "../runner-scope.ts";
import type { Payload } from "./payload.ts";

/** Who asked; a job is visible to callers of the same tenant and, when it has a repository, of the same repository. */
export type ApiCaller = {
  readonly tenant: TenantId;
  readonly login: string;
  /** From an OIDC token; undefined for an API key, which sees all of its tenant. */
  readonly repositoryId: number | undefined;
  readonly run: WorkflowRun | undefined;
};

/** The run whose end ends the job (`owner/repo`, run and attempt), known from OIDC or from our actions. */
export type WorkflowRun = {
  readonly owner: string;
  readonly ownerType: "Organization" | "User" | undefined;
  readonly repo: string;
  readonly runId: number;
  readonly runAttempt: number;
};

export type ApiPolicy = {
  /** From the worker's take on, ms. */
  readonly executionTimeoutMs: number;
  /** From submission, ms: to the end, or for a runner endpoint to the pickup of a workflow job only. */
  readonly ttlMs: number;
  readonly lowPriority: boolean;
};

/** A job whose worker registers a runner; undefined for a `command` or foreign-image endpoint. */
export type RunnerRequest = {
  readonly scope: RunnerScope;
  readonly ownerType: "Organization" | "User" | undefined;
  /** The label that only this job's runner has: `runs-on: ${{ needs.initialize.outputs.label }}`. */
  readonly label: string;
  /** Further labels that the request asked for. */
  readonly labels: readonly string[];
  /** Sealed; erased when the job is terminal. undefined: the GitHub App registers. */
  readonly sealedPat: string | undefined;
  /** `/retry` cannot work: its PAT was erased. */
  readonly patErased: boolean;
};

export type Callback = {
  readonly url: string;
  readonly tries: number;
  /** When it is tried next; undefined before the end of the job and after the last try. */
  readonly dueAt: EpochMs | undefined;
};

export type ApiSide = {
  /** Raised by `/retry`; what belongs to an older one is ignored. */
  readonly generation: number;
  /** `/runsync` keeps its result for 1 min, `/run` for 30. */
  readonly kind: "async" | "sync";
  /** How long its result is kept, where its client said: `/runsync?wait=` longer, `/status?ttl=` shorter. Absent: by kind. */
  readonly resultMs?: number;
  readonly policy: ApiPolicy;
  /** Names the request body, so that a repeat with the same key and another body is refused. */
  readonly requestHash: string;
  readonly repositoryId: number | undefined;
  readonly run: WorkflowRun | undefined;
  /** Never with a PAT in it. */
  readonly input: Payload;
  readonly output: Payload | undefined;
  readonly error: string | undefined;
  readonly runner: RunnerRequest | undefined;
  /** RunPod's storage settings for the worker alone: sealed JSON, in no answer to a client. */
  readonly sealedS3Config: string | undefined;
  readonly callback: Callback | undefined;
  /** The take, from which the execution time counts. */
  readonly startedAt: EpochMs | undefined;
  readonly endedAt: EpochMs | undefined;
  /** Readers answer 404 from then on; the history stays. */
  readonly expiresAt: EpochMs | undefined;
  /** Highest number of a stream chunk so far, and of the last one drained. */
  readonly stream: {
    readonly written: number;
    readonly drained: number;
    /** Of all chunks so far, as receive-chunk.ts counts them; absent before the first. */
    readonly bytes?: number;
    /** It may stream no more, and its last chunk says so. Absent: not so. */
    readonly full?: true;
  };
  readonly retries: number;
};

/** When an API job ends by itself: its ttl from submission on, its execution time from the take on. */
export type ApiDeadlines = {
  /** undefined for a runner's job that was picked up: from then on only its execution time counts. */
  readonly ttlAt: EpochMs | undefined;
  /** undefined before the take. */
  readonly executionAt: EpochMs | undefined;
};

/** The part of a job that its deadlines follow from; `phases.running` is the pickup of a workflow job. */
type Timed = {
  readonly state: string;
  readonly queuedAt: EpochMs;
  readonly phases: { readonly running?: EpochMs };
};

export function apiDeadlines(api: ApiSide, job: Timed): ApiDeadlines {
  const pickedUp = api.runner !== undefined && job.phases.running !== undefined;
  const inProgress = job.state === "IN_PROGRESS";
  return {
    ttlAt: pickedUp ? undefined : job.queuedAt + api.policy.ttlMs,
    executionAt:
      inProgress && api.startedAt !== undefined ? api.startedAt + api.policy.executionTimeoutMs : undefined,
  };
}

/** The part of a job that its links follow from. */
type Linked = {
  readonly queuedAt: EpochMs;
  readonly verifyAt: EpochMs | undefined;
  readonly workerId: WorkerId | undefined;
  readonly api: Pick<ApiSide, "run"> | undefined;
};

/**
 * When an API job is compared next with what it hangs on: the workflow run that asked for it, and the worker that it
 * names. Of a job that is not terminal; undefined for a workflow job, and when neither holds it. A requeue forgets
 * `verifyAt`: then it is soon due.
 */
export function linksDueAt({ api, verifyAt, queuedAt, workerId }: Linked): EpochMs | undefined {
  if (api === undefined) return undefined;
  if (api.run !== undefined) return verifyAt ?? queuedAt + RUN_CHECK_MS;
  return workerId === undefined ? undefined : (verifyAt ?? queuedAt + PAIRING_CHECK_MS);
}
