// RunPod's `policy` of a request, and what the seed's `github_pat` and `github_org` ask for, checked and with defaults.

import type { Endpoint } from "../admission/endpoint.ts";
import { isHosted, isJobLabel, normalize } from "../admission/labels.ts";
import type { Catalogue } from "../admission/matching.ts";
import type { TenantSettings } from "../admission/tenant.ts";
import { repositoryRefusal, policyOf as tenantPolicyOf } from "../admission/tenant-policy.ts";
import {
  DEFAULT_EXECUTION_TIMEOUT_MS,
  DEFAULT_TTL_MS,
  MAX_POLICY_MS,
  MIN_EXECUTION_TIMEOUT_MS,
  MIN_TTL_MS,
} from "../deadlines.ts";
import { cutMembers } from "../json-members.ts";
import { ownerOf, parseScope, pathOf, type RunnerScope } from "../runner-scope.ts";
import type { ApiCaller, ApiPolicy } from "./api-job.ts";
import { isJsonBytes } from "./payload.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

/** Our worker registers a runner; an endpoint with a `command` has a worker of its own. */
export function hasRunner(endpoint: Pick<Endpoint, "command">): boolean {
  return endpoint.command === undefined;
}

/** As RunPod's client sends it, ms. */
export type RequestedPolicy = {
  readonly executionTimeout?: number | undefined;
  readonly ttl?: number | undefined;
  readonly lowPriority?: boolean | undefined;
};

export function policyOf(requested: RequestedPolicy | undefined, endpoint: Endpoint): Checked<ApiPolicy> {
  const { executionMs } = endpoint.limits;
  const standard = hasRunner(endpoint) ? executionMs : Math.min(DEFAULT_EXECUTION_TIMEOUT_MS, executionMs);
  const executionTimeoutMs = requested?.executionTimeout ?? standard;
  const ttlMs = requested?.ttl ?? DEFAULT_TTL_MS;
  const fault =
    outside("policy.executionTimeout", requested?.executionTimeout, MIN_EXECUTION_TIMEOUT_MS) ??
    outside("policy.ttl", requested?.ttl, MIN_TTL_MS) ??
    aboveLimit(executionTimeoutMs, endpoint);
  if (fault !== undefined) return { ok: false, message: fault };
  return { ok: true, value: { executionTimeoutMs, ttlMs, lowPriority: requested?.lowPriority ?? false } };
}

function outside(name: string, ms: number | undefined, min: number): string | undefined {
  if (ms === undefined || (ms >= min && ms <= MAX_POLICY_MS)) return undefined;
  return `${name} is ${ms} ms; give it ${min} to ${MAX_POLICY_MS} ms, or leave it out`;
}

/** Refused rather than cut short: the container is ended at the endpoint's limit, whatever a client was told. */
function aboveLimit(ms: number, endpoint: Endpoint): string | undefined {
  if (ms <= endpoint.limits.executionMs) return undefined;
  return `policy.executionTimeout is ${ms} ms, and "${endpoint.name}" allows ${endpoint.limits.executionMs} ms; ask for less or for a higher limits.execution in dispatch.yaml`;
}

/** What a request's input says about the runner, taken out of it. */
export type RunnerAsk = {
  readonly pat: string | undefined;
  readonly org: string | undefined;
  readonly labels: readonly string[];
};

/** Classic and fine-grained tokens: letters, digits and underscores, 40 to 93 of them today. */
const PAT = /^[A-Za-z0-9_]{1,255}$/;

/** Splits the seed's two fields and ours from the rest of the input, which is the workflow's own. */
export function splitInput(input: unknown): Checked<{ readonly ask: RunnerAsk; readonly rest: unknown }> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return { ok: true, value: { ask: { pat: undefined, org: undefined, labels: [] }, rest: input } };
  }
  const { asked: askedFor, rest } = takenApart(input);
  const { github_pat: pat, github_org: org, labels } = askedFor;
  if (!isAbsent(pat) && !(typeof pat === "string" && PAT.test(pat))) {
    return { ok: false, message: "input.github_pat is not a token of GitHub; send the token alone, as text" };
  }
  if ([org, labels].flat().some(holdsToken)) {
    return {
      ok: false,
      message:
        "a token belongs into input.github_pat, and nowhere else: elsewhere it is shown and kept; revoke this one",
    };
  }
  if (!isAbsent(org) && !(typeof org === "string" && parseScope(org) !== undefined)) {
    return { ok: false, message: 'input.github_org must be "organization" or "owner/repository"' };
  }
  if (!isAbsent(labels) && !isLabelList(labels)) {
    return {
      ok: false,
      message: `input.labels must be a list of at most ${MAX_LABELS} texts without commas`,
    };
  }
  const asked = isAbsent(labels) ? [] : (labels as string[]);
  return { ok: true, value: { ask: { pat: textOf(pat), org: textOf(org), labels: asked }, rest } };
}

/** GitHub's prefixes: docs.github.com, "About authentication to GitHub", token formats. */
function holdsToken(value: unknown): boolean {
  return typeof value === "string" && /(gh[pousr]|github_pat)_\w{20}/.test(value);
}

type AskedFor = { readonly github_pat?: unknown; readonly github_org?: unknown; readonly labels?: unknown };

function takenApart(input: object): { readonly asked: AskedFor; readonly rest: unknown } {
  if (isJsonBytes(input)) {
    const { taken, rest } = cutMembers(input, ["github_pat", "github_org", "labels"]);
    return { asked: taken, rest };
  }
  const { github_pat, github_org, labels, ...rest } = input as AskedFor;
  return { asked: { github_pat, github_org, labels }, rest };
}

/** GitHub takes 100 labels of 256 characters; the endpoint's own and ours come on top. */
const MAX_LABELS = 50;
const LABEL = /^[^\s,](?:[^,\p{Cc}]{0,254}[^\s,])?$/u;

function isLabelList(labels: unknown): boolean {
  return (
    Array.isArray(labels) &&
    labels.length <= MAX_LABELS &&
    labels.every((label) => typeof label === "string" && LABEL.test(label))
  );
}

/** Why a requested label is refused: its runner would take other people's jobs; undefined: it may be. */
export function labelRefusal(
  labels: readonly string[],
  endpoint: Endpoint,
  catalogue: Catalogue,
): string | undefined {
  const selectors = new Set(catalogue.endpoints.map((one) => normalize(one.selector)));
  selectors.delete(normalize(endpoint.selector));
  for (const label of labels) {
    if (isHosted(label) || selectors.has(normalize(label)) || isJobLabel(label)) {
      return `input.labels names "${label}", which belongs to other runners; leave it out`;
    }
  }
  return undefined;
}

/** A workflow sends an empty text for a secret or variable that is not set. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function textOf(value: unknown): string | undefined {
  return isAbsent(value) ? undefined : (value as string);
}

/** Who owns the runner's place: a user has repositories only, an API key does not say. */
export type Owner = {
  readonly type: "Organization" | "User" | undefined;
  readonly level: TenantSettings["level"];
  /** Its policy names the repositories that may, for each other too: every request is held to that list besides. */
  readonly listsRepositories: boolean;
};

/**
 * Where the runner of a request registers. With a PAT: wherever that may; without one the GitHub App registers, and
 * that only at the caller's own.
 */
export function scopeFor(
  ask: Pick<RunnerAsk, "pat" | "org">,
  caller: ApiCaller,
  owner: Owner,
): Checked<RunnerScope> {
  const asked = ask.org === undefined ? undefined : parseScope(ask.org);
  if (asked !== undefined) {
    const fault = ask.pat === undefined ? foreignPlace(asked, caller, owner) : undefined;
    return fault === undefined ? { ok: true, value: asked } : { ok: false, message: fault };
  }
  const atRepository = owner.type === "User" || owner.level === "repository";
  if (!atRepository) return { ok: true, value: { type: "organization", org: caller.login } };
  if (caller.run !== undefined) {
    return { ok: true, value: { type: "repository", owner: caller.run.owner, repo: caller.run.repo } };
  }
  return {
    ok: false,
    message: `the runners of "${caller.login}" register at a repository; name it: input.github_org "${caller.login}/repository"`,
  };
}

/** Why the GitHub App registers no runner there for this caller: a key is its owner's, a workflow step its repository's. */
function foreignPlace(
  scope: RunnerScope,
  caller: ApiCaller,
  { listsRepositories }: Owner,
): string | undefined {
  if (!isSame(ownerOf(scope), caller.login)) {
    return `input.github_org names "${pathOf(scope)}", and this key is for "${caller.login}"; send input.github_pat with it, or leave both out`;
  }
  const isStep = caller.repositoryId !== undefined;
  if (scope.type === "organization" || !isStep || listsRepositories) return undefined;
  const { repo = "" } = caller.run ?? {};
  if (isSame(scope.repo, repo)) return undefined;
  return `input.github_org names "${pathOf(scope)}", and this is a workflow step of "${caller.login}/${repo}"; send input.github_pat with it, leave both out, or list ${scope.repo} under the tenant's repositories in dispatch.yaml`;
}

function isSame(login: string, other: string): boolean {
  return login.toLowerCase() === other.toLowerCase();
}

/**
 * Why the tenant's policy lets no request of the API start a worker, as a sentence that says what to change: the
 * allow-list that webhooks are held to. Looked at are the repository whose workflow asks, and the place where the runner
 * registers. A runner of the whole organization is not refused here: its started hook holds each job to the same list.
 */
export function policyRefusal(
  tenants: readonly TenantSettings[],
  { tenant, login, run }: ApiCaller,
  scope: RunnerScope | undefined,
): string | undefined {
  const policy = tenantPolicyOf(tenants, { id: tenant, login });
  if (policy.repositories === undefined) return undefined;
  const asking = run && repositoryRefusal(policy, { owner: run.owner, name: run.repo });
  if (asking !== undefined || scope === undefined) return asking;
  const owner = ownerOf(scope);
  if (owner.toLowerCase() !== login.toLowerCase()) {
    return `refused by policy: dispatch.yaml lists the repositories of the tenant ${login}, and input.github_org is not its own; leave it out, or name a listed repository`;
  }
  return scope.type === "organization" ? undefined : repositoryRefusal(policy, { owner, name: scope.repo });
}
