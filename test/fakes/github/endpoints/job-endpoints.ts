// Endpoints for workflow jobs and runs of a repository.

import type { JobRecord, RunRecord } from "../records.ts";
import type { WorkflowJobs } from "../workflow-jobs.ts";
import type { World } from "../world.ts";
import type { Answer, Call, Endpoint } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { paged } from "./paging.ts";
import { jobJson, runJson } from "./views.ts";

type Deps = { readonly world: World; readonly jobs: WorkflowJobs; readonly webUrl: () => string };

const RUNS = "/repos/{owner}/{repo}/actions/runs";
const RUN = `${RUNS}/{run_id}`;

export function jobEndpoints(deps: Deps): Endpoint[] {
  const read = { name: "actions", level: "read" } as const;
  return [
    {
      method: "GET",
      path: "/repos/{owner}/{repo}/actions/jobs/{job_id}",
      access: read,
      handle: (call) => ({ status: 200, body: jobJson(findJob(deps, call), deps.webUrl()) }),
    },
    { method: "GET", path: RUNS, access: read, handle: (call) => listRuns(deps, call) },
    { method: "GET", path: RUN, access: read, handle: (call) => getRun(deps, call) },
    { method: "GET", path: `${RUN}/jobs`, access: read, handle: (call) => listJobs(deps, call) },
    {
      method: "GET",
      path: `${RUN}/attempts/{attempt_number}/jobs`,
      schemaPath: `${RUN}/jobs`,
      access: read,
      handle: (call) => listJobs(deps, call),
    },
    {
      method: "POST",
      path: `${RUN}/cancel`,
      access: { name: "actions", level: "write" },
      handle: (call) => cancelRun(deps, call),
    },
  ];
}

function findJob({ world }: Deps, { params, scope }: Call): JobRecord {
  const job = world.jobs.get(Number(params["job_id"]));
  if (job === undefined || job.run.repository !== scope.repository) throw new ApiError(404, "Not Found");
  return job;
}

function findRun({ world }: Deps, { params, scope }: Call): RunRecord {
  const run = world.runs.get(Number(params["run_id"]));
  if (run === undefined || run.repository !== scope.repository) throw new ApiError(404, "Not Found");
  return run;
}

function getRun(deps: Deps, call: Call): Answer {
  const run = findRun(deps, call);
  return { status: 200, body: runJson(run, deps.webUrl()) };
}

/** Newest first, as GitHub lists them. */
function listRuns({ world, webUrl }: Deps, { scope, url }: Call): Answer {
  const status = url.searchParams.get("status");
  const matching = [...world.runs.values()]
    .filter((run) => run.repository === scope.repository)
    .map((run) => runJson(run, webUrl()))
    .filter((run) => status === null || run["status"] === status || run["conclusion"] === status)
    .reverse();
  const { items, headers } = paged(matching, url, webUrl());
  return { status: 200, body: { total_count: matching.length, workflow_runs: items }, headers };
}

function listJobs(deps: Deps, call: Call): Answer {
  const run = findRun(deps, call);
  const attempt = "attempt_number" in call.params ? Number(call.params["attempt_number"]) : run.attempt;
  const all = call.url.searchParams.get("filter") === "all";
  const matching = run.jobs.filter((job) => all || job.attempt === attempt);
  const { items, headers } = paged(matching, call.url, deps.webUrl());
  const jobs = items.map((job) => jobJson(job, deps.webUrl()));
  return { status: 200, body: { total_count: matching.length, jobs }, headers };
}

function cancelRun(deps: Deps, call: Call): Answer {
  const open = findRun(deps, call).jobs.filter((job) => job.status !== "completed");
  if (open.length === 0) throw new ApiError(409, "Cannot cancel a workflow run that is completed.");
  for (const job of open) deps.jobs.cancel(job);
  return { status: 202, body: {} };
}
