// What GitHub has: workflow jobs and registrations, and which may come together.
import type { WorkflowJobStatus, WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { EpochMs } from "../../../shared/domain/ids.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";

export type SimJob = {
  readonly id: number;
  readonly base: Omit<WorkflowJobWord, "status" | "conclusion" | "runner" | "startedAt">;
  readonly runMs: number;
  readonly fails: boolean;
  /** The App is installed in its repository: we hear of it. */
  readonly isOurs: boolean;
  status: WorkflowJobStatus;
  conclusion: string | undefined;
  named: { readonly id: number; readonly name: string } | undefined;
  startedAt: EpochMs | undefined;
  endedAt: EpochMs | undefined;
  runner: SimRunner | undefined;
  hasBegun: boolean;
  /** Runners that have begun it. */
  readonly ranOn: string[];
};

/** The process behind a registration, as GitHub meets it. */
export type RunnerHost = {
  /** Prints `Running job`. */
  run(job: SimJob): void;
  /** Prints the result. */
  end(job: SimJob): void;
  /** Learns that its registration is gone. */
  removed(): void;
};

export type SimRunner = {
  readonly id: number;
  readonly name: string;
  readonly scope: RunnerScope;
  readonly labels: ReadonlySet<string>;
  readonly createdAt: EpochMs;
  host: RunnerHost | undefined;
  job: SimJob | undefined;
  /** When `job` was last given or taken away: `busy` may lag behind it. */
  changedAt: EpochMs;
};

export function wordOf(job: SimJob): WorkflowJobWord {
  const { base, status, conclusion, named, startedAt } = job;
  return { ...base, status, conclusion, runner: named, startedAt };
}

/** GitHub could give it to a runner now. */
export function isFree(job: SimJob): boolean {
  return job.status === "queued" && job.runner === undefined;
}

export function fits({ scope, labels }: SimRunner, { base }: SimJob): boolean {
  const { repository } = base;
  const login = scope.type === "organization" ? scope.org : scope.owner;
  if (login !== repository.owner.login) return false;
  if (scope.type === "repository" && scope.repo !== repository.name) return false;
  return base.labels.every((label) => labels.has(label.toLowerCase()));
}
