// Whether the tenant's policy lets a request of the API start a worker: the allow-list that webhooks are held to.

import { policyOf, repositoryRefusal } from "../../domain/admission/tenant-policy.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import { ownerOf, type RunnerScope } from "../../domain/runner-scope.ts";
import type { Deps } from "../deps.ts";

/**
 * Why it may not, as a sentence that says what to change. Looked at are the repository whose workflow asks, and the place
 * where the runner registers. A runner of the whole organization is not refused here: its started hook holds each job to
 * the same list.
 */
export function policyRefusal(
  { tenants }: Pick<Deps, "tenants">,
  { tenant, login, run }: ApiCaller,
  scope: RunnerScope | undefined,
): string | undefined {
  const policy = policyOf(tenants, { id: tenant, login });
  if (policy.repositories === undefined) return undefined;
  const asking = run && repositoryRefusal(policy, { owner: run.owner, name: run.repo });
  if (asking !== undefined || scope === undefined) return asking;
  const owner = ownerOf(scope);
  if (owner.toLowerCase() !== login.toLowerCase()) {
    return `refused by policy: dispatch.yaml lists the repositories of the tenant ${login}, and input.github_org is not its own; leave it out, or name a listed repository`;
  }
  return scope.type === "organization" ? undefined : repositoryRefusal(policy, { owner, name: scope.repo });
}
