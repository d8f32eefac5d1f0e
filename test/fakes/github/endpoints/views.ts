// How the stand-in's records look in GitHub's JSON.

import type {
  Installation,
  JobRecord,
  OwnerRecord,
  RunnerGroup,
  RunnerRecord,
  RunRecord,
} from "../records.ts";
import { isOnline, reportedBusy } from "../runner-state.ts";
import { example } from "./openapi.ts";

type Json = Record<string, unknown>;

export function jobJson(job: JobRecord, webUrl: string): Json {
  const { run } = job;
  const repo = `${run.repository.owner.login}/${run.repository.name}`;
  const runUrl = `${webUrl}/repos/${repo}/actions/runs/${run.id}`;
  return {
    id: job.id,
    run_id: run.id,
    run_url: runUrl,
    run_attempt: job.attempt,
    node_id: nodeId("WorkflowJob", job.id),
    head_sha: HEAD_SHA,
    head_branch: "main",
    url: `${webUrl}/repos/${repo}/actions/jobs/${job.id}`,
    html_url: `${webUrl}/${repo}/actions/runs/${run.id}/job/${job.id}`,
    status: job.status,
    conclusion: job.conclusion ?? null,
    created_at: iso(job.createdAt),
    started_at: iso(job.startedAt ?? job.createdAt),
    completed_at: job.completedAt === undefined ? null : iso(job.completedAt),
    name: job.name,
    steps: job.steps.map((step) => ({
      name: step.name,
      status: step.status,
      conclusion: step.conclusion,
      number: step.number,
      started_at: iso(step.startedAt),
      completed_at: iso(step.completedAt),
    })),
    check_run_url: `${webUrl}/repos/${repo}/check-runs/${job.id}`,
    labels: job.labels,
    ...takenByJson(job),
    workflow_name: run.workflowName,
  };
}

/** GitHub sends 0 and "" instead of null for a job that ended before any runner took it. */
function takenByJson({ takenBy, status }: JobRecord): Json {
  const unset = status === "completed";
  return {
    runner_id: takenBy?.id ?? (unset ? 0 : null),
    runner_name: takenBy?.name ?? (unset ? "" : null),
    runner_group_id: takenBy?.groupId ?? (unset ? 0 : null),
    runner_group_name: takenBy?.groupName ?? (unset ? "" : null),
  };
}

export function runJson(run: RunRecord, webUrl: string): Json {
  const { repository } = run;
  const fullName = `${repository.owner.login}/${repository.name}`;
  const given = example("workflow-run");
  const inRun = {
    id: repository.id,
    name: repository.name,
    full_name: fullName,
    private: repository.private,
  };
  return {
    ...given,
    id: run.id,
    name: run.workflowName,
    run_number: run.number,
    run_attempt: run.attempt,
    event: run.event,
    ...(run.open ? GOES_ON : runOutcome(run.jobs.filter((job) => job.attempt === run.attempt))),
    head_sha: HEAD_SHA,
    head_branch: "main",
    created_at: iso(run.createdAt),
    url: `${webUrl}/repos/${fullName}/actions/runs/${run.id}`,
    html_url: `${webUrl}/${fullName}/actions/runs/${run.id}`,
    repository: {
      ...(given["repository"] as Json),
      ...inRun,
      owner: simpleUserJson(repository.owner, webUrl),
    },
    head_repository: {
      ...(given["head_repository"] as Json),
      ...inRun,
      owner: simpleUserJson(repository.owner, webUrl),
    },
  };
}

const GOES_ON = { status: "in_progress", conclusion: null };

function runOutcome(jobs: readonly JobRecord[]): { status: string; conclusion: string | null } {
  const statuses = new Set(jobs.map((job) => job.status));
  const status = ["in_progress", "queued", "waiting", "pending"].find((each) => statuses.has(each as never));
  if (status !== undefined) return { status, conclusion: null };
  const conclusions = new Set(jobs.map((job) => job.conclusion));
  const worst = ["failure", "timed_out", "cancelled", "success"].find((each) =>
    conclusions.has(each as never),
  );
  return { status: "completed", conclusion: worst ?? "skipped" };
}

export function runnerJson(runner: RunnerRecord, now: number, busyLagMs: number): Json {
  return {
    id: runner.id,
    name: runner.name,
    os: runner.os,
    status: isOnline(runner) ? "online" : "offline",
    busy: reportedBusy(runner, now, busyLagMs),
    labels: runner.labels,
    runner_group_id: runner.group.id,
    ephemeral: runner.ephemeral,
    version: runner.version ?? null,
  };
}

export function runnerGroupJson(group: RunnerGroup, owner: OwnerRecord, webUrl: string): Json {
  return {
    id: group.id,
    name: group.name,
    visibility: group.visibility,
    default: group.id === 1,
    inherited: group.inherited === true,
    allows_public_repositories: group.allowsPublicRepositories,
    runners_url: `${webUrl}/orgs/${owner.login}/actions/runner-groups/${group.id}/runners`,
    restricted_to_workflows: false,
    selected_workflows: [],
    workflow_restrictions_read_only: false,
  };
}

export function installationJson(installation: Installation, appId: number, webUrl: string): Json {
  const { owner, suspendedAt } = installation;
  return {
    ...example("installation"),
    id: installation.id,
    account: simpleUserJson(owner, webUrl),
    app_id: appId,
    target_id: owner.id,
    target_type: owner.type,
    permissions: installation.permissions,
    events: ["workflow_job"],
    repository_selection: "all",
    access_tokens_url: `${webUrl}/app/installations/${installation.id}/access_tokens`,
    suspended_at: suspendedAt === undefined ? null : iso(suspendedAt),
    created_at: iso(installation.createdAt),
    updated_at: iso(suspendedAt ?? installation.createdAt),
  };
}

function simpleUserJson(owner: OwnerRecord, webUrl: string): Json {
  const given = example("installation")["account"] as Json;
  return {
    ...given,
    login: owner.login,
    id: owner.id,
    node_id: nodeId(owner.type, owner.id),
    type: owner.type,
    html_url: `${webUrl}/${owner.login}`,
    url: `${webUrl}/users/${owner.login}`,
  };
}

export function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

function nodeId(kind: string, id: number): string {
  return Buffer.from(`0${kind.length}:${kind}${id}`).toString("base64");
}

const HEAD_SHA = "7f3c1e0a94d25b6886f1c0de5b7aa9123c44e0d1";
