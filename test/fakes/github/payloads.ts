// Webhook bodies: GitHub's published examples with the stand-in's own owners, repositories and jobs put in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { jobJson } from "./endpoints/views.ts";
import type { Installation, JobRecord, OwnerRecord, Repository } from "./records.ts";

type Json = Record<string, unknown>;
type Payload = Json & {
  readonly action: string;
  readonly installation: Json & { readonly id: number };
};
type Example = Json & { readonly action: string };

export type WorkflowJobAction = "queued" | "waiting" | "in_progress" | "completed";
export type InstallationAction = "created" | "deleted" | "suspend" | "unsuspend" | "new_permissions_accepted";

const examples = readExamples();

/** @param gate whether a `queued` delivery carries the deployment of an environment that is not yet approved. */
export function workflowJobPayload(
  job: JobRecord,
  installation: Installation,
  { action, webUrl, gate }: { action: WorkflowJobAction; webUrl: string; gate: boolean },
): Payload {
  const example = exampleOf("workflow_job", action, (each) => "deployment" in each === gate);
  const { repository } = job.run;
  const {
    repository: _ours,
    organization: _theirs,
    installation: _id,
    ...rest
  } = renamed(example, repository, webUrl);
  const { owner } = repository;
  return {
    ...rest,
    action,
    workflow_job: { ...jobJson(job, webUrl), ...(gate ? { status: "waiting" } : {}) },
    repository: repositoryJson(example, repository, webUrl),
    ...(owner.type === "Organization" ? { organization: organizationJson(owner, webUrl) } : {}),
    installation: installationJson(installation),
  };
}

export function installationPayload(
  installation: Installation,
  { action, webUrl, at }: { action: InstallationAction; webUrl: string; at: string },
): Payload {
  const example = exampleOf("installation", action, () => true);
  const { owner } = installation;
  const given = example["installation"] as Json;
  return {
    ...example,
    action,
    installation: {
      ...given,
      id: installation.id,
      account: { ...(given["account"] as Json), ...ownerJson(owner, webUrl) },
      access_tokens_url: `${webUrl}/app/installations/${installation.id}/access_tokens`,
      target_id: owner.id,
      target_type: owner.type,
      permissions: installation.permissions,
      events: ["workflow_job"],
      suspended_at: installation.suspendedAt === undefined ? null : at,
    },
  };
}

function repositoryJson(example: Example, repository: Repository, webUrl: string): Json {
  const given = renamed(example, repository, webUrl)["repository"] as Json;
  return {
    ...given,
    id: repository.id,
    name: repository.name,
    full_name: `${repository.owner.login}/${repository.name}`,
    private: repository.private,
    visibility: repository.private ? "private" : "public",
    owner: { ...(given["owner"] as Json), ...ownerJson(repository.owner, webUrl) },
  };
}

function organizationJson(owner: OwnerRecord, webUrl: string): Json {
  const example = exampleOf("workflow_job", "in_progress", (each) => "organization" in each);
  const given = example["organization"] as Json;
  const text = JSON.stringify(given).replaceAll(given["login"] as string, owner.login);
  return { ...withHost(text, webUrl), id: owner.id, login: owner.login };
}

function ownerJson(owner: OwnerRecord, webUrl: string): Json {
  return { login: owner.login, id: owner.id, type: owner.type, html_url: `${webUrl}/${owner.login}` };
}

function installationJson(installation: Installation) {
  const nodeId = Buffer.from(`023:IntegrationInstallation${installation.id}`).toString("base64");
  return { id: installation.id, node_id: nodeId };
}

/** The example with its repository's full name replaced wherever a URL has it. */
function renamed(example: Example, repository: Repository, webUrl: string): Json {
  const given = example["repository"] as { full_name: string; owner: { login: string } };
  const text = JSON.stringify(example)
    .replaceAll(given.full_name, `${repository.owner.login}/${repository.name}`)
    .replaceAll(`/users/${given.owner.login}`, `/users/${repository.owner.login}`);
  return withHost(text, webUrl);
}

function withHost(text: string, webUrl: string): Json {
  const local = text.replaceAll("https://api.github.com", webUrl).replaceAll("https://github.com", webUrl);
  return JSON.parse(local) as Json;
}

function exampleOf(event: string, action: string, accepts: (example: Example) => boolean): Example {
  const found = examples.get(event)?.find((example) => example.action === action && accepts(example));
  if (found === undefined)
    throw new Error(`@octokit/webhooks-examples has no ${event} example for ${action}.`);
  return found;
}

function readExamples(): Map<string, readonly Example[]> {
  const path = createRequire(import.meta.url).resolve("@octokit/webhooks-examples");
  const all = JSON.parse(readFileSync(path, "utf8")) as { name: string; examples: Example[] }[];
  const wanted = all.filter(({ name }) => name === "workflow_job" || name === "installation");
  return new Map(wanted.map(({ name, examples: some }) => [name, some]));
}
