// A runner's registration is taken away at GitHub, by its name.
import type { WorkerId } from "../../domain/ids.ts";
import type { RunnerScope } from "../../domain/runner-scope.ts";
import { ownerOf } from "../../domain/runner-scope.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Caller } from "../../ports/github.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { callerAt, callerFor } from "./github-caller.ts";

export type Removal =
  /** There is none, there is none any more, or nobody may remove it: what nobody can do now, GitHub does in a day. */
  | { readonly type: "gone" }
  /** GitHub counts a job on it. */
  | { readonly type: "busy" }
  | { readonly type: "later"; readonly retryAfterMs: number | undefined };

/** As whom, and at which place. */
export type RunnerPlace = { readonly caller: Caller; readonly scope: RunnerScope };

export async function removeRegistration(
  deps: Pick<Deps, "github" | "log">,
  { caller, scope }: RunnerPlace,
  name: WorkerId,
): Promise<Removal> {
  try {
    const runner = await deps.github.findRunner(caller, scope, name);
    if (runner === undefined) return { type: "gone" };
    const outcome = await deps.github.deleteRunner(caller, scope, runner.id);
    return { type: outcome === "deleted" ? "gone" : "busy" };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    deps.log.warn("registration-not-removed", { worker: name, message: error.message, error });
    return error.retryable ? { type: "later", retryAfterMs: error.retryAfterMs } : { type: "gone" };
  }
}

/** GitHub removes an ephemeral runner after its job by itself; one that took none stays for a day, online to no one. */
export async function removeOwnRegistration(
  deps: Pick<Deps, "github" | "log" | "stores" | "seal">,
  worker: Worker,
): Promise<Removal> {
  if (!worker.registered || worker.report?.outcome === "ran") return { type: "gone" };
  const caller = await removerOf(deps, worker);
  if (caller === undefined) return { type: "gone" };
  return removeRegistration(deps, { caller, scope: worker.scope }, worker.id);
}

/**
 * A worker that was adopted may name no job that there is: its place, which may be a guess then, says as whom. Nothing
 * but a runner of its own name is removed there.
 */
async function removerOf(deps: Pick<Deps, "stores" | "seal">, worker: Worker): Promise<Caller | undefined> {
  const caller = await callerFor(deps, worker);
  if (caller !== undefined || ownerOf(worker.scope) === "") return caller;
  const job = await deps.stores.jobs.get(worker.jobId);
  return job === undefined ? callerAt(worker.scope) : undefined;
}
