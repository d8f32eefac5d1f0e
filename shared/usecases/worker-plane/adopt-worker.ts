// A worker without a record that pings validly gets one again: its token proves who it is, its pool that it exists.
//
// Nothing that it does is disturbed: it goes on, its cards are held, and its end is noticed like that of any worker.
// Which workflow job it runs GitHub's words tell (rebind-job.ts), or the report of its runner's hook with a later ping.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import { GITHUB_RECHECK_MS } from "../../domain/deadlines.ts";
import { isOwnRunner, jobId, tenantId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import { bind } from "../../domain/job/job-steps.ts";
import type { RunnerScope } from "../../domain/runner-scope.ts";
import { adopted } from "../../domain/worker/adoption.ts";
import type { Worker, WorkerPhase } from "../../domain/worker/worker.ts";
import type { WorkerClaims } from "../../ports/worker-token.ts";
import type { Deps } from "../deps.ts";
import { endpointOf, runnerScope } from "../deps.ts";
import { holdCards } from "../ending/hold-cards.ts";
import { updateJob } from "../update.ts";

/** What a ping tells of its worker. */
type SignOfLife = {
  readonly phase: WorkerPhase | undefined;
  readonly jobName: string | undefined;
  readonly jobIds?: readonly string[];
};

/** Enough for the newest repositories of every owner in most deployments; where it finds none the scope is a guess. */
const REPOSITORIES_SEARCHED = 500;

/**
 * Answers the reason to drain, if there is one. Nothing is adopted that another deployment started, or that its pool does
 * not run.
 */
export async function adoptWorker(
  deps: Deps,
  claims: WorkerClaims,
  ping: SignOfLife,
): Promise<string | undefined> {
  const endpoint = endpointOf(deps, claims.endpoint);
  const about = { worker: claims.worker, pool: claims.pool, endpoint: claims.endpoint, phase: ping.phase };
  if (endpoint?.pool !== claims.pool || !isOwnRunner(deps.deployment, claims.worker)) {
    const message =
      "it has no record, and its endpoint is no longer in dispatch.yaml or another deployment started it";
    deps.log.warn("worker-not-adopted", { ...about, message });
    return undefined;
  }
  const container = await deps.pools.get(claims.pool)?.driver.inspect(claims.worker);
  if (container?.type !== "running") return undefined;
  const job = await namedJob(deps, claims, ping);
  const { phase, jobName } = ping;
  const { worker: id, tenant } = claims;
  const slots = slotsOf(container.slots, endpoint);
  const scope = await scopeFor(deps, claims, job);
  const worker = adopted({ id, endpoint, tenant, phase, jobName, job, scope, slots }, deps.clock.now());
  // Another of its pings was first.
  if (!(await deps.stores.workers.create(worker))) return undefined;
  const holds = await holdCards(deps, id);
  const message = `it has no record and pings: ${holds ? "it goes on" : "it goes on, though others hold its cards in the ledger"}`;
  deps.log.warn("worker-adopted", { ...about, job: job?.id, state: worker.state, message });
  if (job !== undefined) await bindTo(deps, worker, job);
  return worker.drain?.reason;
}

async function namedJob(
  deps: Deps,
  claims: WorkerClaims,
  { jobIds = [] }: SignOfLife,
): Promise<Job | undefined> {
  for (const id of jobIds.slice(0, 1)) {
    const job = await deps.stores.jobs.get(jobId(id));
    if (job?.tenant === claims.tenant && job.endpoint === claims.endpoint) return job;
  }
  return undefined;
}

/** A job that waits needs no second worker. Due for another look, as every such write (recheck-job.ts). */
async function bindTo(deps: Deps, worker: Worker, { id }: Job): Promise<void> {
  if (worker.drain !== undefined) return;
  const verifyAt = deps.clock.now() + GITHUB_RECHECK_MS;
  await updateJob(deps.stores.jobs, id, (current) =>
    isWaiting(current) && current.github !== undefined
      ? { ...bind(current, worker.id), verifyAt }
      : undefined,
  );
}

async function scopeFor(deps: Deps, claims: WorkerClaims, job: Job | undefined): Promise<RunnerScope> {
  if (job !== undefined) return runnerScope(deps, job);
  const tenant = await deps.stores.tenants.get(claims.tenant);
  const seen = await deps.stores.repositories.list(REPOSITORIES_SEARCHED);
  const repository = seen.find(({ owner }) => tenantId(owner.id) === claims.tenant);
  const login = repository?.owner.login ?? tenant?.login ?? "";
  const isUser = (repository?.owner.type ?? tenant?.ownerType) === "User";
  if (isUser && repository !== undefined) return { type: "repository", owner: login, repo: repository.name };
  return { type: "organization", org: login };
}

/**
 * Where the pool does not name them the number alone is held: another worker may be given one of its cards, and finds it
 * in use before it registers.
 */
function slotsOf(slots: readonly number[] = [], { cards }: Endpoint): readonly number[] {
  return slots.length === cards ? slots : [];
}
