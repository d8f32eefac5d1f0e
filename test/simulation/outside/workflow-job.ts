// What all workflow jobs here have in common.
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import { FOREIGN } from "../scenery.ts";
import type { SimJob } from "./github-things.ts";

export function workflowJob(job: {
  readonly id: number;
  readonly runId: number;
  readonly name: string;
  readonly createdAt: number;
}): Omit<SimJob["base"], "repository" | "labels"> & Pick<WorkflowJobWord, "repository" | "labels"> {
  return {
    workflowJobId: job.id,
    runId: job.runId,
    runAttempt: 1,
    name: job.name,
    workflowName: "ci",
    headBranch: "main",
    htmlUrl: `https://github.com/Acme/kernels/actions/runs/${job.runId}/job/${job.id}`,
    labels: [],
    repository: FOREIGN,
    installationId: 99,
    createdAt: job.createdAt,
  };
}
