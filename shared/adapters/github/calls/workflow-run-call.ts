// Asks GitHub whether a run of a workflow still goes on.
import * as z from "zod/mini";
import type { Clock } from "../../../ports/clock.ts";
import type { Github, WorkflowRunWord } from "../../../ports/github.ts";
import { createCache } from "../cache.ts";
import { answered, type Send } from "../send.ts";
import { statusFromApi } from "../workflow-job.ts";
import type { AsCaller } from "./installations.ts";

/** Below RUN_CHECK_MS: the jobs of a run share one call a minute, and each minute brings a new answer. */
const KEEP_MS = 50_000;

const runJson = z.object({
  status: z.nullable(z.string()),
  conclusion: z.nullable(z.string()),
  run_attempt: z.optional(z.int()),
});

export function createWorkflowRunCall(deps: {
  readonly send: Send;
  readonly asCaller: AsCaller;
  readonly clock: Clock;
}): Github["workflowRun"] {
  const words = createCache<{ readonly word: WorkflowRunWord | undefined }>(deps.clock);

  return async (caller, { owner, repo, runId }) => {
    const call = {
      route: "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
      parameters: { owner, repo, run_id: runId, exclude_pull_requests: true },
      purpose: `read workflow run ${runId}`,
      target: `repository ${owner}/${repo}`,
      permission: "Repository: Actions, read",
    };
    const ask = async (): Promise<WorkflowRunWord | undefined> => {
      try {
        return toWord(await deps.asCaller(caller, repo, (as) => deps.send(as, call, runJson)));
      } catch (error) {
        if (answered(error, 404)) return undefined;
        throw error;
      }
    };
    const key = `${owner}/${repo}/${runId}`.toLowerCase();
    const load = async () => ({ value: { word: await ask() }, until: deps.clock.now() + KEEP_MS });
    // A person's token is asked for itself: what it may see is not for others.
    return caller.token === undefined ? (await words.get(key, load)).word : await ask();
  };
}

/** GitHub's schema allows a status of null; such a run has not ended. */
function toWord({ status, conclusion, run_attempt }: z.infer<typeof runJson>): WorkflowRunWord {
  return {
    status: statusFromApi(status ?? ""),
    conclusion: conclusion ?? undefined,
    runAttempt: run_attempt ?? 1,
  };
}
