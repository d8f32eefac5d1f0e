// The calls to GitHub that dispatch needs, not Octokit. One installation = one budget.
import type { Owner, WorkflowJobStatus, WorkflowJobWord } from "../domain/github-event.ts";
import type { EpochMs } from "../domain/ids.ts";
import type { RunnerScope } from "../domain/runner-scope.ts";

/** Who we ask as: the installation is a hint, resolved again by the owner when GitHub does not know it. */
export type Caller = {
  readonly owner: Pick<Owner, "login" | "type">;
  readonly installationId: number | undefined;
  /** A personal access token, used instead of the App: owner and installation then do not matter. */
  readonly token?: string | undefined;
};

export type RegistrationToken = { readonly token: string; readonly expiresAt: EpochMs };
export type JitConfig = { readonly encodedJitConfig: string; readonly runnerId: number };
export type GithubRunner = {
  readonly id: number;
  readonly name: string;
  readonly status: "online" | "offline";
  readonly busy: boolean;
};

/** GitHub's word on one run of a workflow; `runAttempt` is the newest. */
export type WorkflowRunWord = {
  readonly status: WorkflowJobStatus;
  readonly conclusion: string | undefined;
  readonly runAttempt: number;
};

/**
 * One try of the App's hook to deliver an event. `id` is an int64, kept as text; `guid` is the event's, the same for
 * every try.
 */
export type HookDelivery = {
  readonly id: string;
  readonly guid: string;
  readonly deliveredAt: EpochMs;
  /** Our answer arrived in time and was 2xx. */
  readonly ok: boolean;
  readonly event: string;
  readonly action: string | undefined;
};

export type Github = {
  /** 1 h valid, reusable; cached per scope and personal access token, one request shared among concurrent callers. */
  registrationToken(caller: Caller, scope: RunnerScope): Promise<RegistrationToken>;
  /** One runner, one job. Throws GithubError `conflict` when a runner of that name exists. */
  jitConfig(
    caller: Caller,
    scope: RunnerScope,
    runner: { name: string; labels: readonly string[]; runnerGroup: string | undefined },
  ): Promise<JitConfig>;
  /**
   * Why GitHub would give a runner of that place and group no job of the repository, for people; undefined where it would,
   * and where it does not say. Remembered. Throws GithubError `not-found` for a group that is not there.
   */
  groupRefusal(
    caller: Caller,
    scope: RunnerScope,
    asked: { readonly runnerGroup: string | undefined; readonly repository: string },
  ): Promise<string | undefined>;
  workflowJob(
    caller: Caller,
    job: { owner: Owner; repositoryId: number; repo: string; workflowJobId: number },
  ): Promise<WorkflowJobWord | undefined>;
  /** Undefined when GitHub does not know the run or does not show it. Answers are up to 50 s old, shared by all who ask. */
  workflowRun(
    caller: Caller,
    run: { owner: string; repo: string; runId: number },
  ): Promise<WorkflowRunWord | undefined>;
  findRunner(caller: Caller, scope: RunnerScope, name: string): Promise<GithubRunner | undefined>;
  /** `busy`: GitHub refused because it still counts a job on it (422). Gone already is `deleted`. */
  deleteRunner(caller: Caller, scope: RunnerScope, runnerId: number): Promise<"deleted" | "busy">;
  /** All registrations of a place, ours and others'. */
  listRunners(caller: Caller, scope: RunnerScope): Promise<GithubRunner[]>;
  /**
   * Workflow jobs of a repository that are not completed, of its runs that are not. One call a run and two for the list. Of
   * more runs than one look reads, those behind `after`; `next`: what the next look is to begin behind, undefined when
   * all were read.
   */
  openJobs(
    caller: Caller,
    repository: { owner: Owner; id: number; name: string },
    after?: number,
  ): Promise<{ readonly words: WorkflowJobWord[]; readonly next: number | undefined }>;
  /** The workflow jobs of one attempt of a run; empty when GitHub does not know it. */
  runJobs(
    caller: Caller,
    run: { owner: Owner; repositoryId: number; repo: string; runId: number; runAttempt: number },
  ): Promise<WorkflowJobWord[]>;
  /** Tries of the App's hook, newest first, 100 a page; kept by GitHub for 3 days (7 on Enterprise Server). */
  deliveries(cursor?: string): Promise<{ deliveries: HookDelivery[]; next: string | undefined }>;
  /** Asks for one more try; it comes as a new delivery with the same guid. */
  redeliver(id: string): Promise<void>;
};

/** Closed list of why GitHub said no. */
export type GithubFault =
  | "unauthorized" // 401: App key or token wrong
  | "forbidden" // 403: permission, IP allow list, runners disabled
  | "not-found" // 404: no installation, repository or group
  | "conflict" // 409: name taken
  | "invalid" // 422
  | "rate-limited" // 403 or 429 with a limit
  | "suspended" // installation suspended
  | "unavailable"; // 5xx, time-out, connection

export class GithubError extends Error {
  override readonly name = "GithubError";
  readonly fault: GithubFault;
  readonly status: number | undefined;
  /** From `retry-after` or `x-ratelimit-reset`. */
  readonly retryAfterMs: number | undefined;
  constructor(
    message: string,
    options: { fault: GithubFault; status?: number; retryAfterMs?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.fault = options.fault;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
  /** The same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return this.fault === "rate-limited" || this.fault === "unavailable";
  }
}
