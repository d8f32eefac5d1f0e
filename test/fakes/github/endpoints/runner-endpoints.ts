// Endpoints for the runners of an organization or a repository: tokens, JIT configs, listing and removal.

import type { RunnerRecord } from "../records.ts";
import type { Registrations } from "../registrations.ts";
import { reportedBusy } from "../runner-state.ts";
import { groupServes, sameScope, type World } from "../world.ts";
import type { Answer, Call, Endpoint, Permission } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { paged } from "./paging.ts";
import { runnerGroupJson, runnerJson } from "./views.ts";

type Deps = {
  readonly world: World;
  readonly now: () => number;
  readonly registrations: Registrations;
  readonly removeRunner: (runner: RunnerRecord) => void;
  readonly busyLagMs: () => number;
  readonly webUrl: () => string;
};

export function runnerEndpoints(deps: Deps): Endpoint[] {
  const inOrg = scopedEndpoints(deps, "/orgs/{org}", "organization_self_hosted_runners");
  const inRepo = scopedEndpoints(deps, "/repos/{owner}/{repo}", "administration");
  const groups: Endpoint = {
    method: "GET",
    path: "/orgs/{org}/actions/runner-groups",
    access: { name: "organization_self_hosted_runners", level: "read" },
    handle: (call) => listGroups(deps, call),
  };
  return [...inOrg, ...inRepo, groups];
}

function scopedEndpoints(deps: Deps, base: string, permission: Permission["name"]): Endpoint[] {
  const read: Permission = { name: permission, level: "read" };
  const write: Permission = { name: permission, level: "write" };
  const runners = `${base}/actions/runners`;
  const token = (kind: "registration" | "remove"): Endpoint => ({
    method: "POST",
    path: `${runners}/${kind}-token`,
    access: write,
    handle({ scope }) {
      const { token: text, expiresAt } = deps.registrations.token(kind, scope);
      return { status: 201, body: { token: text, expires_at: new Date(expiresAt).toISOString() } };
    },
  });
  return [
    token("registration"),
    token("remove"),
    {
      method: "POST",
      path: `${runners}/generate-jitconfig`,
      access: write,
      handle: (call) => makeJitConfig(deps, call),
    },
    { method: "GET", path: runners, access: read, handle: (call) => listRunners(deps, call) },
    {
      method: "GET",
      path: `${runners}/{runner_id}`,
      access: read,
      handle: (call) => ({ status: 200, body: toJson(deps, findRunner(deps, call)) }),
    },
    {
      method: "DELETE",
      path: `${runners}/{runner_id}`,
      access: write,
      handle: (call) => deleteRunner(deps, call),
    },
  ];
}

function makeJitConfig(deps: Deps, { scope, body }: Call): Answer {
  const { runner, encodedJitConfig } = deps.registrations.jit(scope, body);
  return { status: 201, body: { runner: toJson(deps, runner), encoded_jit_config: encodedJitConfig } };
}

function listRunners(deps: Deps, { scope, url }: Call): Answer {
  const name = url.searchParams.get("name");
  const matching = [...deps.world.runners.values()].filter(
    (runner) => sameScope(runner, scope) && (name === null || runner.name === name),
  );
  const { items, headers } = paged(matching, url, deps.webUrl());
  const runners = items.map((runner) => toJson(deps, runner));
  return { status: 200, body: { total_count: matching.length, runners }, headers };
}

function findRunner(deps: Deps, { scope, params }: Call): RunnerRecord {
  const runner = deps.world.runners.get(Number(params["runner_id"]));
  if (runner === undefined || !sameScope(runner, scope)) throw new ApiError(404, "Not Found");
  return runner;
}

function deleteRunner(deps: Deps, call: Call): Answer {
  const runner = findRunner(deps, call);
  if (runner.running !== undefined || reportedBusy(runner, deps.now(), deps.busyLagMs()))
    throw new ApiError(422, `Bad request - Runner "${runner.name}" is still running a job`, { errors: [] });
  deps.removeRunner(runner);
  return { status: 204 };
}

function listGroups(deps: Deps, { scope: { owner }, url }: Call): Answer {
  const visibleTo = url.searchParams.get("visible_to_repository");
  const repository = visibleTo === null ? undefined : owner.repositories.get(visibleTo.toLowerCase());
  if (visibleTo !== null && repository === undefined) throw new ApiError(404, "Not Found");
  const matching = owner.runnerGroups.filter(
    (group) => repository === undefined || groupServes(group, repository),
  );
  const { items, headers } = paged(matching, url, deps.webUrl());
  const runner_groups = items.map((group) => runnerGroupJson(group, owner, deps.webUrl()));
  return { status: 200, body: { total_count: matching.length, runner_groups }, headers };
}

function toJson(deps: Deps, runner: RunnerRecord) {
  return runnerJson(runner, deps.now(), deps.busyLagMs());
}
