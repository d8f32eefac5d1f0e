// Where runners are registered, in GitHub's paths and in words.
import { pathOf, type RunnerScope } from "../../domain/runner-scope.ts";

/** The path before `/actions`, with Octokit's placeholders, and what fills them. */
export function scopePath(scope: RunnerScope): { path: string; parameters: Record<string, string> } {
  if (scope.type === "organization") return { path: "/orgs/{org}", parameters: { org: scope.org } };
  return { path: "/repos/{owner}/{repo}", parameters: { owner: scope.owner, repo: scope.repo } };
}

export function scopeName(scope: RunnerScope): string {
  return `${scope.type} ${pathOf(scope)}`;
}

/** Equal for equal scopes: GitHub's names are case-insensitive. */
export function scopeKey(scope: RunnerScope): string {
  return scopeName(scope).toLowerCase();
}

/** The permission for everything about runners, as GitHub's settings page names it. */
export function scopePermission(scope: RunnerScope): string {
  return scope.type === "organization"
    ? "Organization: Self-hosted runners, read and write"
    : "Repository: Administration, read and write";
}
