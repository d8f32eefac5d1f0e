// Where runners are registered, in GitHub's paths and in words.
import type { RunnerScope } from "../../domain/worker/worker.ts";

/** The path before `/actions`, with Octokit's placeholders, and what fills them. */
export function scopePath(scope: RunnerScope): { path: string; parameters: Record<string, string> } {
  if (scope.type === "organization") return { path: "/orgs/{org}", parameters: { org: scope.org } };
  return { path: "/repos/{owner}/{repo}", parameters: { owner: scope.owner, repo: scope.repo } };
}

export function scopeName(scope: RunnerScope): string {
  return scope.type === "organization"
    ? `organization ${scope.org}`
    : `repository ${scope.owner}/${scope.repo}`;
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

/** The site for people that belongs to an API address: `https://api.github.com`, or a server's `…/api/v3`. */
export function siteUrl(apiUrl: string): string {
  const { protocol, host, pathname } = new URL(apiUrl);
  if (pathname.startsWith("/api/")) return `${protocol}//${host}`;
  return `${protocol}//${host.replace(/^api\./, "")}`;
}
