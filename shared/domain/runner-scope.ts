// Where a runner is registered: an organization or a repository. Its one home, and that of GitHub's rules for the two
// names.

export type RunnerScope =
  | { readonly type: "organization"; readonly org: string }
  | { readonly type: "repository"; readonly owner: string; readonly repo: string };

type Repository = {
  readonly owner: { readonly login: string; readonly type: "Organization" | "User" };
  readonly name: string;
};

/**
 * A login: letters, digits and hyphens, at most 39; logins of long ago may end in a hyphen, and those of managed users
 * carry an underscore (octocat_corp).
 */
export const LOGIN_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$/;
const REPOSITORY_PATTERN = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

/**
 * `acme` or `acme/widgets`; anything else, `acme; id` too, is undefined. It becomes part of URLs and of config.sh's
 * arguments.
 */
export function parseScope(text: string): RunnerScope | undefined {
  const [owner = "", repo, ...more] = text.split("/");
  if (more.length > 0 || !LOGIN_PATTERN.test(owner)) return undefined;
  if (repo === undefined) return { type: "organization", org: owner };
  return REPOSITORY_PATTERN.test(repo) ? { type: "repository", owner, repo } : undefined;
}

/**
 * An organization's runners are registered at the organization, a user's at the repository: GitHub has no other place.
 * `level: repository` does so for an organization too, at the price of the App's Administration permission.
 */
export function scopeOf(
  { owner, name }: Repository,
  level: "auto" | "organization" | "repository" = "auto",
): RunnerScope {
  return owner.type === "Organization" && level !== "repository"
    ? { type: "organization", org: owner.login }
    : { type: "repository", owner: owner.login, repo: name };
}

export function ownerOf(scope: RunnerScope): string {
  return scope.type === "organization" ? scope.org : scope.owner;
}

export function repositoryOf(scope: RunnerScope): string | undefined {
  return scope.type === "repository" ? scope.repo : undefined;
}

/** `acme` or `acme/widgets`, as on GitHub's site. */
export function pathOf(scope: RunnerScope): string {
  return scope.type === "organization" ? scope.org : `${scope.owner}/${scope.repo}`;
}

/** `orgs/acme` or `repos/acme/widgets`, as in GitHub's REST API. */
export function apiPathOf(scope: RunnerScope): string {
  return `${scope.type === "organization" ? "orgs" : "repos"}/${pathOf(scope)}`;
}
