// As whom GitHub is asked for a worker's or a job's sake.
import type { Job } from "../../domain/job/job.ts";
import type { RunnerScope } from "../../domain/runner-scope.ts";
import { ownerOf } from "../../domain/runner-scope.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Caller } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";

/** As the App, for a job that came from GitHub; undefined for any other. */
export function callerOf(job: Job | undefined): Caller | undefined {
  if (job?.github === undefined) return undefined;
  return { owner: job.github.repository.owner, installationId: job.github.installationId };
}

/** Undefined for a job that has no runner, and for one whose token can no longer be opened. */
export async function callerFor(
  deps: Pick<Deps, "stores" | "seal">,
  worker: Worker,
): Promise<Caller | undefined> {
  const job = await deps.stores.jobs.get(worker.jobId);
  return callerOf(job) ?? (job === undefined ? undefined : apiCallerOf(deps, job));
}

/** As the App, which finds its installation by the owner's name. */
export function callerAt(
  scope: RunnerScope,
  type: "Organization" | "User" = scope.type === "organization" ? "Organization" : "User",
): Caller {
  return { owner: { login: ownerOf(scope), type }, installationId: undefined };
}

/** With the PAT that came with the request, as long as the job has it; else as the App. */
function apiCallerOf(deps: Pick<Deps, "seal">, job: Job): Caller | undefined {
  const runner = job.api?.runner;
  if (runner === undefined) return undefined;
  const { scope, sealedPat } = runner;
  const app = callerAt(scope, runner.ownerType);
  if (sealedPat === undefined) return app;
  const token = deps.seal.open(job.id, sealedPat);
  // Not the App instead: the request named a place by a right of its own.
  return token === undefined ? undefined : { ...app, token };
}
