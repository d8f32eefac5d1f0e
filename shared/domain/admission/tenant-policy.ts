// What a tenant's policy says of a repository or a workflow. Labels say where a job can run, this says whether it may.
import type { TenantId } from "../ids.ts";
import { matcherOf } from "../patterns.ts";
import type { TenantPolicy, TenantSettings } from "./tenant.ts";
import { DEFAULT_TENANT_SETTINGS, settingsOf } from "./tenant.ts";

/** The policy for an owner that dispatch.yaml does not name is the default one. */
export function policyOf(
  tenants: readonly TenantSettings[],
  owner: { readonly id: TenantId; readonly login: string },
): TenantPolicy {
  const { repositories, workflows, forks } = settingsOf(tenants, owner) ?? DEFAULT_TENANT_SETTINGS;
  return { repositories, workflows, forks };
}

/** Why no job of this repository gets a worker, as a sentence that says what to change; undefined when it may. */
export function repositoryRefusal(
  { repositories }: TenantPolicy,
  repository: { readonly owner: string; readonly name: string },
): string | undefined {
  const { owner, name } = repository;
  if (repositories === undefined || matcherOf(repositories, "any-case").test(name)) return undefined;
  return `refused by policy: the repository ${owner}/${name} is not among repositories of the tenant ${owner} in dispatch.yaml; add ${name} there`;
}

/** GitHub's names of repositories have no case, paths and refs do. */
export function repositorySource(patterns: readonly string[]): string {
  return matcherOf(patterns, "any-case").source;
}

/** For `path@ref`; a pattern without a ref fits every ref. */
export function workflowSource(patterns: readonly string[]): string {
  return matcherOf(patterns.map((pattern) => (pattern.includes("@") ? pattern : `${pattern}@*`))).source;
}
