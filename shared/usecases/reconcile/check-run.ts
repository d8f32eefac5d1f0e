// A job that a workflow run asked for ends with that run: nothing is left behind when somebody presses cancel.

import { RUN_CHECK_MS, RUN_UNKNOWN_MS } from "../../domain/deadlines.ts";
import type { WorkflowRun } from "../../domain/job/api-job.ts";
import { linksDueAt } from "../../domain/job/api-job.ts";
import { endedApi } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { verifyLater } from "../../domain/job/job-steps.ts";
import type { WorkflowRunWord } from "../../ports/github.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { noteEnd } from "../ending/end-api-job.ts";
import { updateJob } from "../update.ts";

/** When the job's `linksDueAt` has come: sets the next one, or ends the job. */
export async function checkRun(deps: Deps, seen: Job): Promise<void> {
  const run = seen.api?.run;
  const dueAt = linksDueAt(seen);
  if (run === undefined || isTerminal(seen) || dueAt === undefined || dueAt > deps.clock.now()) return;
  const verdict = (await runsWorkflowJob(deps, seen)) ? AT_WORK : await askGithub(deps, seen, run);
  // A runner may have been given a job while GitHub was asked.
  const spared = verdict.type === "over" && (await runsWorkflowJob(deps, seen));
  const now = deps.clock.now();
  const over = verdict.type === "over" && !spared;
  const { item: job, changed } = await updateJob(deps.stores.jobs, seen.id, (current) => {
    if (isTerminal(current)) return undefined;
    if (over && isSame(current, seen)) {
      return endedApi(current, { state: "CANCELLED", reason: "run-ended", message: verdict.message }, now);
    }
    return verifyLater(current, now + (verdict.type === "goes-on" ? verdict.checkMs : RUN_CHECK_MS));
  });
  if (changed && job !== undefined) await noteEnd(deps, job);
}

type Verdict =
  | { readonly type: "over"; readonly message: string }
  | { readonly type: "goes-on"; readonly checkMs: number };

const GOES_ON: Verdict = { type: "goes-on", checkMs: RUN_CHECK_MS };
/** The end of a worker that runs is told: only should that be lost is this look needed, which costs a write. */
const AT_WORK: Verdict = { type: "goes-on", checkMs: 5 * RUN_CHECK_MS };

/** Not so when another worker has it now, or it was sent again: what was learnt is about the one before. */
function isSame(job: Job, seen: Job): boolean {
  return job.workerId === seen.workerId && job.api?.generation === seen.api?.generation;
}

/** Its end will end the worker and with it this job: GitHub is not asked, and nobody's job is stopped. */
async function runsWorkflowJob(deps: Deps, { workerId }: Job): Promise<boolean> {
  if (workerId === undefined) return false;
  return (await deps.stores.workers.get(workerId))?.state === "running";
}

async function askGithub(deps: Deps, job: Job, run: WorkflowRun): Promise<Verdict> {
  const { owner, ownerType = "Organization", repo, runId } = run;
  const caller = { owner: { login: owner, type: ownerType }, installationId: undefined };
  try {
    const word = await deps.github.workflowRun(caller, { owner, repo, runId });
    if (word !== undefined) return judge(word, run);
    const message = `GitHub does not show run ${runId} of ${owner}/${repo}: was it deleted, or may the App not read Actions there?`;
    deps.log.warn("run-unknown", { job: job.id, message });
    return { type: "goes-on", checkMs: RUN_UNKNOWN_MS };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    deps.log.warn("github-not-asked", { job: job.id, message: error.message, error });
    return { type: "goes-on", checkMs: Math.max(error.retryAfterMs ?? 0, RUN_CHECK_MS) };
  }
}

function judge(word: WorkflowRunWord, { owner, repo, runId, runAttempt }: WorkflowRun): Verdict {
  const name = `Run ${runId} of ${owner}/${repo}`;
  if (word.runAttempt > runAttempt) {
    const message = `${name} was started again (attempt ${word.runAttempt}); this job belongs to attempt ${runAttempt}.`;
    return { type: "over", message };
  }
  if (word.status !== "completed") return GOES_ON;
  return { type: "over", message: `${name} has ended (${word.conclusion ?? "no conclusion"}).` };
}
