// Is an idle worker's runner registered still? If not, no job can come to it, and its own is to be started anew.
import type { Worker } from "../../domain/worker/worker.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { callerFor } from "./github-caller.ts";

/** `unknown`: GitHub did not say, or there is nobody to ask it as. */
export async function checkRegistration(deps: Deps, worker: Worker): Promise<"there" | "gone" | "unknown"> {
  const caller = await callerFor(deps, worker);
  if (caller === undefined) return "unknown";
  try {
    const runner = await deps.github.findRunner(caller, worker.scope, worker.id);
    return runner === undefined ? "gone" : "there";
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    deps.log.warn("registration-not-checked", { worker: worker.id, message: error.message, error });
    return "unknown";
  }
}
