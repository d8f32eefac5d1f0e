// What we read of GitHub's webhooks, in our own words. The edge parses GitHub's JSON into these.
import type { EpochMs } from "./ids.ts";

export type Owner = {
  readonly id: number;
  readonly login: string;
  readonly type: "Organization" | "User";
};

/** GitHub's word on a workflow job, from a `workflow_job` delivery or from one GET. */
export type WorkflowJobWord = {
  readonly workflowJobId: number;
  readonly runId: number;
  readonly runAttempt: number;
  readonly name: string;
  readonly workflowName: string;
  readonly headBranch: string;
  readonly htmlUrl: string;
  readonly labels: readonly string[];
  readonly repository: { readonly id: number; readonly owner: Owner; readonly name: string };
  readonly installationId: number | undefined;
  readonly status: WorkflowJobStatus;
  readonly conclusion: string | undefined;
  /** The runner that took it; undefined while none has (GitHub then sends 0, "" or null). */
  readonly runner: { readonly id: number; readonly name: string } | undefined;
  readonly createdAt: EpochMs;
  /** Start time from `in_progress` on; on `queued` GitHub repeats created_at here. */
  readonly startedAt: EpochMs | undefined;
};

/** `waiting` also stands for a `queued` delivery whose job has status waiting, requested or pending. */
export type WorkflowJobStatus = "waiting" | "queued" | "in_progress" | "completed";

/** GitHub never moves a workflow job backwards, so an event of lower rank than one already seen is late. */
export function rank(status: WorkflowJobStatus): number {
  return ["waiting", "queued", "in_progress", "completed"].indexOf(status);
}

export type InstallationEvent = {
  readonly action: "created" | "deleted" | "suspend" | "unsuspend" | "changed";
  readonly installationId: number;
  readonly account: Owner;
  /** When GitHub last changed the installation, in whole seconds; undefined where it does not say. */
  readonly updatedAt?: EpochMs | undefined;
};
