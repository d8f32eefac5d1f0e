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

/**
 * A worker asks again when it has no answer, and each JIT configuration undoes the one before: so its last question alone
 * is answered, in whatever order they come here and however long one of them stands still on its way.
 *
 * `kind` is what `auto` became in the worker's container, `ask` the boot's own count of its questions, from 1.
 */
export async function registerRunner(
  deps: Deps,
  id: WorkerId,
  bootId: string,
  kind: "token" | "jit",
  ask?: number,
): Promise<RegistrationOutcome> {
  const { worker, first, isLate } = await markRegistering(deps, id, bootId, ask);
  if (isLate) return OUTDATED;
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
    const refusal = await groupRefusal(deps, worker, caller);
    if (refusal === undefined) return await mint(deps, worker, caller, kind);
    noteRefusal(deps, worker, { reason: "group", message: refusal });
    return { type: "refused", message: refusal };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    await noteLimit(deps, worker, caller, error);
    noteRefusal(deps, worker, { reason: error.fault, message: error.message });
    if (!error.retryable) return { type: "refused", message: error.message };
    return { type: "later", message: error.message, retryAfterMs: error.retryAfterMs ?? DEFAULT_RETRY_MS };
  }
}

function noteRefusal(deps: Deps, worker: Worker, why: { reason: string; message: string }): void {
  deps.log.warn("registration-refused", { worker: worker.id, job: worker.jobId, ...why });
}

/** A runner in a group that does not admit the job's repository would hold its cards until its idle limit. */
async function groupRefusal(deps: Deps, worker: Worker, caller: Caller): Promise<string | undefined> {
  if (worker.scope.type === "repository") return undefined;
  const job = await deps.stores.jobs.get(worker.jobId);
  const repository = job?.github?.repository.name;
  if (job === undefined || repository === undefined) return undefined;
  const asked = { runnerGroup: runnerGroupOf(deps, job), repository };
  return await deps.github.groupRefusal(caller, worker.scope, asked);
}

/** The next workers of this owner would wait with their cards for the same; a person's own limits are no other's. */
async function noteLimit(deps: Deps, worker: Worker, caller: Caller, error: GithubError): Promise<void> {
  if (error.fault !== "rate-limited" || caller.token !== undefined) return;
  const until = deps.clock.now() + (error.retryAfterMs ?? DEFAULT_RETRY_MS);
  await stopRegistrations(deps, worker.tenant, until);
}

type Marked = {
  /** Undefined: it may not register. */
  readonly worker: Worker | undefined;
  readonly first: boolean;
  /** A later question of the same boot has been heard. */
  readonly isLate: boolean;
};

/** Written before GitHub is asked: a crash after it only means that a registration is looked for in vain. */
async function markRegistering(
  deps: Deps,
  id: WorkerId,
  bootId: string,
  ask: number | undefined,
): Promise<Marked> {
  let [allowed, first, isLate] = [false, false, false];
  const { item } = await updateWorker(deps.stores.workers, id, (worker) => {
    const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
    const isOwner = worker.bootId === bootId;
    isLate = isOwner && ask !== undefined && ask <= (worker.registrationAsk ?? 0);
    const next = isOwner && !isLate ? registering(worker, step, ask) : undefined;
    allowed = next !== undefined;
    first = !worker.registered;
    return next;
  });
  return { worker: allowed ? item : undefined, first, isLate };
}

const ENDED = { type: "refused", message: "the worker has ended meanwhile" } as const;
/** Nobody waits for this one any more. */
const OUTDATED = {
  type: "later",
  message: "the same worker has asked once more since, and that question is answered",
  retryAfterMs: DEFAULT_RETRY_MS,
} as const;

async function mint(
  deps: Deps,
  worker: Worker,
  caller: Caller,
  kind: "token" | "jit",
): Promise<RegistrationOutcome> {
  if (kind === "token") {
    const { token } = await deps.github.registrationToken(caller, worker.scope);
    return { type: "registered", answer: { type: "token", token } };
  }
  const config = await jitConfig(deps, worker, caller);
  if (config === undefined) return OUTDATED;
  const { encodedJitConfig, runnerId } = config;
  const { item, changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    isServing(current) && isLastAsk(current, worker) ? { ...current, runnerId } : undefined,
  );
  if (item === undefined || changed) {
    return { type: "registered", answer: { type: "jit", encodedJitConfig } };
  }
  // Its release may have looked for the registration before there was one.
  await deps.github.deleteRunner(caller, worker.scope, runnerId);
  return isServing(item) ? OUTDATED : ENDED;
}

/** Undefined when the worker has asked again meanwhile. */
async function jitConfig(deps: Deps, worker: Worker, caller: Caller): Promise<JitConfig | undefined> {
  const endpoint = endpointOf(deps, worker.endpoint);
  const job = await deps.stores.jobs.get(worker.jobId);
  const known = endpoint !== undefined && job !== undefined;
  const labels = known ? labelsOf(endpoint, worker.id, job) : [];
  const runnerGroup = job === undefined ? undefined : runnerGroupOf(deps, job);
  const make = () => deps.github.jitConfig(caller, worker.scope, { name: worker.id, labels, runnerGroup });
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof GithubError) || error.fault !== "conflict") throw error;
    return (await removeStale(deps, worker, caller, error)) ? make() : undefined;
  }
}

/**
 * The answer to an earlier question was lost, and with it that registration. False when the worker has asked again since.
 */
async function removeStale(
  deps: Deps,
  worker: Worker,
  caller: Caller,
  conflict: GithubError,
): Promise<boolean> {
  const stale = await deps.github.findRunner(caller, worker.scope, worker.id);
  if (stale?.status === "online") throw conflict;
  // Looked at behind GitHub's answers: a later question may have been answered with the very registration that is found.
  const current = await deps.stores.workers.get(worker.id);
  if (current !== undefined && !isLastAsk(current, worker)) return false;
  if (stale !== undefined) await deps.github.deleteRunner(caller, worker.scope, stale.id);
  return true;
}

function isLastAsk(current: Worker, asked: Worker): boolean {
  return current.registrationAsk === asked.registrationAsk;
}
