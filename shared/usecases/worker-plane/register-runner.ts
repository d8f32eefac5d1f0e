// A worker asks for its registration: late, after its cards are known to be healthy, and only before it listens.
import type { WorkerId } from "../../domain/ids.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { labelsOf } from "../../domain/worker/worker-labels.ts";
import { registering } from "../../domain/worker/worker-steps.ts";
import type { Caller, JitConfig } from "../../ports/github.ts";
import { GithubError } from "../../ports/github.ts";
import type { RegistrationAnswer } from "../../protocol/worker-plane.ts";
import type { Deps } from "../deps.ts";
import { endpointOf, limitsOf } from "../deps.ts";
import { registrationTurn } from "../dispatch/admit-starts.ts";
import { stopRegistrations } from "../dispatch/grant-registrations.ts";
import { callerFor } from "../ending/github-caller.ts";
import { updateWorker } from "../update.ts";
import { runnerGroupOf } from "./runner-group.ts";

export type RegistrationOutcome =
  | { readonly type: "registered"; readonly answer: RegistrationAnswer }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "later"; readonly message: string; readonly retryAfterMs: number };

const DEFAULT_RETRY_MS = 5_000;

/** `kind` is what `auto` became in the worker's container. */
export async function registerRunner(
  deps: Deps,
  id: WorkerId,
  bootId: string,
  kind: "token" | "jit",
): Promise<RegistrationOutcome> {
  const { worker, first } = await markRegistering(deps, id, bootId);
  if (worker === undefined) {
    return {
      type: "refused",
      message: "a registration is given to the boot that took the job, and only before its runner listens",
    };
  }
  const caller = await callerFor(deps, worker);
  if (caller === undefined) {
    return {
      type: "refused",
      message:
        "its job asks for no runner, or its token cannot be opened (DISPATCH_SECRET was changed): send the job again",
    };
  }
  const turnAt = await registrationTurn(deps, worker, { first });
  if (turnAt !== undefined) {
    const message =
      "the owner's runner registrations of these minutes are used up (GitHub allows 1,500 in 5)";
    return { type: "later", message, retryAfterMs: turnAt - deps.clock.now() };
  }
  try {
    const answer = await mint(deps, worker, caller, kind);
    if (answer === undefined) return { type: "refused", message: "the worker has ended meanwhile" };
    return { type: "registered", answer };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    await noteLimit(deps, worker, caller, error);
    deps.log.warn("registration-refused", {
      worker: id,
      job: worker.jobId,
      reason: error.fault,
      message: error.message,
    });
    if (!error.retryable) return { type: "refused", message: error.message };
    return { type: "later", message: error.message, retryAfterMs: error.retryAfterMs ?? DEFAULT_RETRY_MS };
  }
}

/** The next workers of this owner would wait with their cards for the same; a person's own limits are no other's. */
async function noteLimit(deps: Deps, worker: Worker, caller: Caller, error: GithubError): Promise<void> {
  if (error.fault !== "rate-limited" || caller.token !== undefined) return;
  const until = deps.clock.now() + (error.retryAfterMs ?? DEFAULT_RETRY_MS);
  await stopRegistrations(deps, worker.tenant, until);
}

/** Written before GitHub is asked: a crash after it only means that a registration is looked for in vain. */
async function markRegistering(
  deps: Deps,
  id: WorkerId,
  bootId: string,
): Promise<{ worker: Worker | undefined; first: boolean }> {
  let [allowed, first] = [false, false];
  const { item } = await updateWorker(deps.stores.workers, id, (worker) => {
    const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
    const next = worker.bootId === bootId ? registering(worker, step) : undefined;
    allowed = next !== undefined;
    first = !worker.registered;
    return next;
  });
  return { worker: allowed ? item : undefined, first };
}

/** Undefined when the worker has ended while GitHub was asked. */
async function mint(
  deps: Deps,
  worker: Worker,
  caller: Caller,
  kind: "token" | "jit",
): Promise<RegistrationAnswer | undefined> {
  if (kind === "token") {
    const { token } = await deps.github.registrationToken(caller, worker.scope);
    return { type: "token", token };
  }
  const { encodedJitConfig, runnerId } = await jitConfig(deps, worker, caller);
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    isServing(current) ? { ...current, runnerId } : undefined,
  );
  if (item === undefined || isServing(item)) return { type: "jit", encodedJitConfig };
  // Its release may have looked for the registration before there was one.
  await deps.github.deleteRunner(caller, worker.scope, runnerId);
  return undefined;
}

async function jitConfig(deps: Deps, worker: Worker, caller: Caller): Promise<JitConfig> {
  const endpoint = endpointOf(deps, worker.endpoint);
  const job = await deps.stores.jobs.get(worker.jobId);
  const known = endpoint !== undefined && job !== undefined;
  const labels = known ? labelsOf(endpoint, worker.id, job) : [];
  const runnerGroup = job === undefined ? undefined : runnerGroupOf(deps, job);
  const runner = { name: worker.id, labels, runnerGroup };
  try {
    return await deps.github.jitConfig(caller, worker.scope, runner);
  } catch (error) {
    if (!(error instanceof GithubError) || error.fault !== "conflict") throw error;
    // The answer to an earlier try was lost: that registration was never used, since the name is this boot's own.
    const stale = await deps.github.findRunner(caller, worker.scope, worker.id);
    // But it did arrive, and it is this question that stood still on its way: the runner is at work with that answer.
    if (stale?.status === "online") throw error;
    if (stale !== undefined) await deps.github.deleteRunner(caller, worker.scope, stale.id);
    return deps.github.jitConfig(caller, worker.scope, runner);
  }
}
