// Asks GitHub for the workflow jobs of a repository, or of one attempt of a run.
import * as z from "zod/mini";
import type { WorkflowJobWord } from "../../../domain/github-event.ts";
import { runsToRead } from "../../../domain/upkeep/open-runs.ts";
import type { Caller, Github } from "../../../ports/github.ts";
import { answered, type Call, type Send } from "../send.ts";
import { githubId, statusFromApi, toWord, workflowJobJson } from "../workflow-job.ts";
import type { AsCaller } from "./installations.ts";

type Deps = { readonly send: Send; readonly asCaller: AsCaller };
type Repository = Parameters<Github["openJobs"]>[1];

/**
 * A queued workflow job is in a run that is queued, or in progress because another job of it began. A run that is
 * `requested`, `pending` or `waiting` is held by GitHub as a whole (start-up, concurrency group, approval), and asking for
 * each would make five calls of two.
 */
const OPEN_RUNS = ["queued", "in_progress"] as const;
const PER_PAGE = 100;
/** GitHub shows at most 1,000 runs of a search with a status. */
const MAX_RUN_PAGES = 10;
const AT_ONCE = 5;
/** A matrix has at most 256 jobs; a run of several needs more pages. */
const MAX_JOB_PAGES = 20;

export function createOpenJobsCall(deps: Deps): Github["openJobs"] {
  return async (caller, repository, after) => {
    const { runs, next } = runsToRead(await openRuns(deps, caller, repository), after);
    const words: WorkflowJobWord[] = [];
    for (let at = 0; at < runs.length; at += AT_ONCE) {
      const group = runs.slice(at, at + AT_ONCE);
      const lists = group.map((runId) => jobsOfRun(deps, caller, repository, latestOf(runId)));
      words.push(...(await Promise.all(lists)).flat());
    }
    return { words: words.filter(({ status }) => status !== "completed"), next };
  };
}

export function createRunJobsCall(deps: Deps): Github["runJobs"] {
  return (caller, { owner, repositoryId, repo, runId, runAttempt }) => {
    const repository = { owner, id: repositoryId, name: repo };
    return jobsOfRun(deps, caller, repository, {
      path: "/runs/{run_id}/attempts/{attempt_number}/jobs",
      parameters: { run_id: runId, attempt_number: runAttempt },
      purpose: `list the jobs of attempt ${runAttempt} of workflow run ${runId}`,
    });
  };
}

type JobList = Pick<Call, "parameters" | "purpose"> & { readonly path: string };

function latestOf(runId: number): JobList {
  return {
    path: "/runs/{run_id}/jobs",
    parameters: { run_id: runId, filter: "latest" },
    purpose: `list the jobs of workflow run ${runId}`,
  };
}

const runsJson = z.object({ workflow_runs: z.array(z.object({ id: githubId })) });

/**
 * A run that moves from one list to the other between the calls is in one of them at least.
 */
async function openRuns(deps: Deps, caller: Caller, repository: Repository): Promise<Set<number>> {
  const runs = new Set<number>();
  for (const status of OPEN_RUNS) {
    const purpose = `list workflow runs that are ${status}`;
    const ids = await pages(MAX_RUN_PAGES, async (page) => {
      const call = callOf(repository, { path: "/runs", parameters: { status, page }, purpose });
      const { workflow_runs } = await deps.asCaller(caller, repository.name, (as) =>
        deps.send(as, call, runsJson),
      );
      return workflow_runs.map(({ id }) => id);
    });
    for (const id of ids) runs.add(id);
  }
  return runs;
}

const jobsJson = z.object({ jobs: z.array(workflowJobJson) });

/** Empty for a run that was deleted. */
async function jobsOfRun(
  deps: Deps,
  caller: Caller,
  repository: Repository,
  list: JobList,
): Promise<WorkflowJobWord[]> {
  try {
    return await pages(MAX_JOB_PAGES, async (page) => {
      const call = callOf(repository, { ...list, parameters: { ...list.parameters, page } });
      return await deps.asCaller(caller, repository.name, async (as) => {
        const { jobs } = await deps.send(as, call, jobsJson);
        const installationId = typeof as === "number" ? as : undefined;
        return jobs.map((job) =>
          toWord(job, { status: statusFromApi(job.status), repository, installationId }),
        );
      });
    }).then((words) => words.filter((word) => word !== undefined));
  } catch (error) {
    if (answered(error, 404)) return [];
    throw error;
  }
}

async function pages<T>(most: number, read: (page: number) => Promise<T[]>): Promise<T[]> {
  const items: T[] = [];
  for (let page = 1; page <= most; page++) {
    const more = await read(page);
    items.push(...more);
    if (more.length < PER_PAGE) break;
  }
  return items;
}

function callOf({ owner, name }: Repository, { path, parameters, purpose }: JobList): Call {
  return {
    route: `GET /repos/{owner}/{repo}/actions${path}`,
    parameters: { ...parameters, owner: owner.login, repo: name, per_page: PER_PAGE },
    purpose,
    target: `repository ${owner.login}/${name}`,
    permission: "Repository: Actions, read",
  };
}
