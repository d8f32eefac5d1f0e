// Asks GitHub for its word on one workflow job.
import type { Github } from "../../../ports/github.ts";
import { answered, type Send } from "../send.ts";
import { statusFromApi, toWord, workflowJobJson } from "../workflow-job.ts";
import type { AsCaller } from "./installations.ts";

/** Undefined when GitHub does not know the job (its run was deleted), or no longer shows it to the App. */
export function createWorkflowJobCall(deps: {
  readonly send: Send;
  readonly asCaller: AsCaller;
}): Github["workflowJob"] {
  return async (caller, { owner, repositoryId, repo, workflowJobId }) => {
    const call = {
      route: "GET /repos/{owner}/{repo}/actions/jobs/{job_id}",
      parameters: { owner: owner.login, repo, job_id: workflowJobId },
      purpose: `read workflow job ${workflowJobId}`,
      target: `repository ${owner.login}/${repo}`,
      permission: "Repository: Actions, read",
    };
    try {
      return await deps.asCaller(caller, repo, async (as) => {
        const job = await deps.send(as, call, workflowJobJson);
        const repository = { id: repositoryId, owner, name: repo };
        const installationId = typeof as === "number" ? as : undefined;
        return toWord(job, { status: statusFromApi(job.status), repository, installationId });
      });
    } catch (error) {
      if (answered(error, 404)) return undefined;
      throw error;
    }
  };
}
