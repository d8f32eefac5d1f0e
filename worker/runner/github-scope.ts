// GITHUB_ORG and the like: text from outside that becomes part of a URL and of config.sh's arguments, so it is checked strictly.
import type { RunnerScope } from "../../shared/domain/worker/worker.ts";

// Letters, digits and hyphens are GitHub's rule; managed users carry an underscore (octocat_corp).
const OWNER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$/;
const REPOSITORY = /^[A-Za-z0-9._-]{1,100}$/;

/** `acme` or `acme/widgets`; anything else, `acme; id` too, is undefined. */
export function parseScope(text: string): RunnerScope | undefined {
  const [owner = "", repo, ...rest] = text.split("/");
  if (rest.length > 0 || !OWNER.test(owner)) return undefined;
  if (repo === undefined) return { type: "organization", org: owner };
  if (!REPOSITORY.test(repo) || repo === "." || repo === "..") return undefined;
  return { type: "repository", owner, repo };
}

/** The path of a scope in GitHub's REST API, without a leading slash. */
export function apiPath(scope: RunnerScope): string {
  return scope.type === "organization" ? `orgs/${scope.org}` : `repos/${scope.owner}/${scope.repo}`;
}

/** What config.sh wants as --url. GitHub Enterprise Server has its API below /api/v3 of the same host. */
export function webUrl(scope: RunnerScope, apiUrl: string): string {
  const path = scope.type === "organization" ? scope.org : `${scope.owner}/${scope.repo}`;
  const host = apiUrl.replace(/\/+$/, "").replace(/\/api\/v3$/, "");
  return `${host.replace("://api.github.com", "://github.com")}/${path}`;
}
