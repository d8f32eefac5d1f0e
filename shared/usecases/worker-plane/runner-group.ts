// The runner group that the tenant's setting names; groups are the organization's own.

import { settingsOf } from "../../domain/admission/tenant.ts";
import type { Job } from "../../domain/job/job.ts";
import { ownerOf } from "../../domain/runner-scope.ts";
import type { Deps } from "../deps.ts";

/** Undefined where nothing is set, and where a personal access token registers somewhere else. */
export function runnerGroupOf(deps: Pick<Deps, "tenants">, job: Job): string | undefined {
  const login = job.github?.repository.owner.login ?? ownerOfApiRunner(job);
  return login === undefined ? undefined : settingsOf(deps.tenants, { id: job.tenant, login })?.runnerGroup;
}

function ownerOfApiRunner(job: Job): string | undefined {
  const runner = job.api?.runner;
  if (runner === undefined || runner.sealedPat !== undefined || runner.patErased) return undefined;
  return ownerOf(runner.scope);
}
