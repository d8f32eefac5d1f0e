// The read-only view of a workflow job that tests get.
import type { Conclusion, JobRecord, JobStatus } from "../records.ts";

export type WorkflowJob = {
  readonly id: number;
  readonly runId: number;
  readonly runAttempt: number;
  readonly owner: string;
  readonly repo: string;
  readonly name: string;
  readonly workflowName: string;
  readonly labels: readonly string[];
  readonly status: JobStatus;
  readonly conclusion: Conclusion | undefined;
  /** Given to a runner that has not begun yet; GitHub shows nothing of this. */
  readonly assignedTo: string | undefined;
  readonly runnerId: number | undefined;
  readonly runnerName: string | undefined;
  /** What the steps printed. */
  readonly lines: readonly string[];
  /** Names of the steps that ran, in order. */
  readonly stepsRun: readonly string[];
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
};

export function viewJob(job: JobRecord): WorkflowJob {
  return {
    id: job.id,
    runId: job.run.id,
    runAttempt: job.attempt,
    owner: job.run.repository.owner.login,
    repo: job.run.repository.name,
    name: job.name,
    workflowName: job.run.workflowName,
    labels: [...job.labels],
    status: job.status,
    conclusion: job.conclusion,
    assignedTo: job.assignedTo?.name,
    runnerId: job.takenBy?.id,
    runnerName: job.takenBy?.name,
    lines: [...job.lines],
    stepsRun: job.steps.filter((step) => step.conclusion !== "skipped").map((step) => step.name),
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    completedAt: job.completedAt,
  };
}
