// The runner's hook says which run gave it a job: exact binding where GitHub's `in_progress` is late or lost.
// Costs no call while GitHub's own events pair them; else one question for the run's jobs, and its answer is taken as an
// event.
import type { WorkflowJobWord } from "../../domain/github-event.ts";
import { githubJobId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { StartedJob } from "../../domain/started-job.ts";
import { needsRebind } from "../../domain/worker/needs-rebind.ts";
import { askedBinding, heardOf, nextBindingStep, settledBinding } from "../../domain/worker/started-steps.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { callerOf } from "../ending/github-caller.ts";
import { receiveDelivery } from "../intake/receive-delivery.ts";
import { updateWorker } from "../update.ts";
import { rebindJob } from "./rebind-job.ts";

/**
 * Once per ping: `started` is noted when it is there, and each later ping looks again until the two are paired. Answers the
 * worker as it is then.
 */
export async function bindStarted(
  deps: Deps,
  seen: Worker,
  started: StartedJob | undefined,
): Promise<Worker> {
  const worker = started === undefined ? seen : await hear(deps, seen, started);
  if (worker.binding === undefined || worker.binding.settled) return worker;
  const job = await deps.stores.jobs.get(worker.jobId);
  switch (nextBindingStep(worker, job, deps.clock.now())) {
    case "settle":
      return write(deps, worker, settledBinding);
    case "ask":
      return ask(deps, worker, { job, started: worker.binding.started });
    default:
      return worker;
  }
}

async function hear(deps: Deps, worker: Worker, started: StartedJob): Promise<Worker> {
  return write(deps, worker, (current) => heardOf(current, started, deps.clock.now()));
}

type Question = { readonly job: Job | undefined; readonly started: StartedJob };

async function ask(deps: Deps, worker: Worker, question: Question): Promise<Worker> {
  const repository = repositoryOf(question);
  const caller = callerOf(question.job);
  if (repository === undefined || caller === undefined) {
    deps.log.warn("binding-refused", {
      worker: worker.id,
      repository: question.started.repository,
      message: "GitHub is not asked: the runner's hook names a repository of another owner than its job's",
    });
    return write(deps, worker, settledBinding);
  }
  const asked = await write(deps, worker, (current) => askedBinding(current, deps.clock.now()));
  const word = await runnersWord(deps, asked, () => {
    const { runId, runAttempt } = question.started;
    return deps.github.runJobs(caller, { ...repository, runId, runAttempt });
  });
  if (word !== undefined) await takeWord(deps, word);
  return asked;
}

/** The tenant's own owner, or nobody: with the App's rights of one tenant nothing of another's is asked. */
function repositoryOf({ job, started }: Question) {
  const owner = job?.github?.repository.owner;
  const [login = "", repo = ""] = started.repository.split("/");
  if (owner === undefined || login.toLowerCase() !== owner.login.toLowerCase()) return undefined;
  return { owner, repositoryId: started.repositoryId, repo };
}

/** Undefined when GitHub cannot be asked now, or does not name our runner yet: the next ping comes anyway. */
async function runnersWord(
  deps: Deps,
  worker: Worker,
  listJobs: () => Promise<WorkflowJobWord[]>,
): Promise<WorkflowJobWord | undefined> {
  try {
    const words = await listJobs();
    return words.find((word) => word.runner?.name === worker.id);
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    deps.log.warn("binding-delayed", { worker: worker.id, job: worker.jobId, error });
    return undefined;
  }
}

async function takeWord(deps: Deps, word: WorkflowJobWord): Promise<void> {
  const received = await receiveDelivery(deps, word, { isAnswer: true });
  // Its change pairs it too, unless that was lost with a process: then the word itself is no news any more.
  const id = githubJobId(word.workflowJobId);
  const job = received.type === "recorded" ? received.job : await deps.stores.jobs.get(id);
  // A worker that was adopted is known to its job, but does not know it.
  if (job !== undefined && (needsRebind(job) || !isTerminal(job))) await rebindJob(deps, job);
}

async function write(
  deps: Deps,
  worker: Worker,
  decide: (current: Worker) => Worker | undefined,
): Promise<Worker> {
  const { item } = await updateWorker(deps.stores.workers, worker.id, decide, worker);
  return item ?? worker;
}
