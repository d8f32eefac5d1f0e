// One workflow_job delivery becomes at most one write: the job. Nothing here calls a pool or GitHub.

import { isJobLabel, labelSet } from "../../domain/admission/labels.ts";
import type { Resolution } from "../../domain/admission/matching.ts";
import { resolveEndpoint } from "../../domain/admission/matching.ts";
import { policyOf, repositoryRefusal } from "../../domain/admission/tenant-policy.ts";
import type { WorkflowJobWord } from "../../domain/github-event.ts";
import { githubJobId, isWorkerName, tenantId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { advanceByWord, jobFromLateWord, jobFromWord } from "../../domain/job/job-events.ts";
import { dueUntilRebound } from "../../domain/worker/needs-rebind.ts";
import type { Deps } from "../deps.ts";
import { updateJob } from "../update.ts";

export type Received =
  | { readonly type: "recorded"; readonly job: Job }
  /** Repeated, late, or about a job that asks for nothing of ours. */
  | { readonly type: "unchanged"; readonly reason: string };

type ReceiveDeps = Pick<Deps, "catalogue" | "clock" | "log" | "tenants"> & {
  readonly stores: Pick<Deps["stores"], "jobs" | "nearMisses">;
};

/** `isAnswer`: GitHub has just said so to a question of ours; no delivery, which may be of long ago. */
export async function receiveDelivery(
  deps: ReceiveDeps,
  word: WorkflowJobWord,
  { isAnswer = false }: { readonly isAnswer?: boolean } = {},
): Promise<Received> {
  if (word.labels.some(isJobLabel)) {
    return { type: "unchanged", reason: "it asks for the runner of an API job, which is started by /run" };
  }
  const resolution = resolveEndpoint(word.labels, deps.catalogue);
  if (resolution.type !== "endpoint") return receiveUnresolved(deps, word, resolution);
  const { endpoint } = resolution;
  if (endpoint.startedBy === "api") {
    return { type: "unchanged", reason: `${endpoint.name} is started by /run only` };
  }
  const refusal = refusalOf(deps, word);
  if (refusal !== undefined) return receiveUnresolved(deps, word, { type: "near-miss", reason: refusal });
  // Most jobs are new on `queued` and known on the rest: the likelier step first, so that either costs one write.
  if (word.status !== "queued") {
    const known = await advanceKnown(deps, word);
    if (known.type === "recorded" || known.reason !== UNKNOWN) return known;
  }
  const now = deps.clock.now();
  const jobFrom = isAnswer ? jobFromWord : jobFromLateWord;
  const job = dueUntilRebound(jobFrom(word, endpoint, now), now);
  if (await deps.stores.jobs.create(job)) return { type: "recorded", job };
  return advanceKnown(deps, word);
}

/** Only what needs no further call: the webhook names the repository, but neither the workflow's file nor a fork. */
function refusalOf({ tenants }: ReceiveDeps, { repository }: WorkflowJobWord): string | undefined {
  const { owner, name } = repository;
  const policy = policyOf(tenants, { id: tenantId(owner.id), login: owner.login });
  return repositoryRefusal(policy, { owner: owner.login, name });
}

/** Its endpoint or its tenant's policy may have been changed in dispatch.yaml while its worker ran: a known job goes on. */
async function receiveUnresolved(
  deps: ReceiveDeps,
  word: WorkflowJobWord,
  { type, reason }: Unserved,
): Promise<Received> {
  if (word.runner !== undefined && isWorkerName(word.runner.name)) return advanceKnown(deps, word);
  if (type === "near-miss" && word.status === "queued") await countNearMiss(deps, word, reason);
  return { type: "unchanged", reason };
}

type Unserved = Exclude<Resolution, { type: "endpoint" }>;

const UNKNOWN = "no job of ours";

async function advanceKnown(deps: ReceiveDeps, word: WorkflowJobWord): Promise<Received> {
  const id = githubJobId(word.workflowJobId);
  const { item, changed } = await updateJob(deps.stores.jobs, id, (job) => {
    const now = deps.clock.now();
    const next = advanceByWord(job, word, now);
    return next === job ? undefined : dueUntilRebound(next, now);
  });
  if (item === undefined) return { type: "unchanged", reason: UNKNOWN };
  if (changed) return { type: "recorded", job: item };
  return { type: "unchanged", reason: `known as ${item.state}, GitHub ${item.github?.status ?? "unknown"}` };
}

async function countNearMiss(deps: ReceiveDeps, word: WorkflowJobWord, reason: string): Promise<void> {
  const { owner } = word.repository;
  deps.log.warn("near-miss", {
    repository: `${owner.login}/${word.repository.name}`,
    labels: word.labels,
    message: reason,
    url: word.htmlUrl,
  });
  await deps.stores.nearMisses.count({
    tenant: tenantId(owner.id),
    login: owner.login,
    labels: labelSet(word.labels),
    reason,
    lastAt: deps.clock.now(),
    lastUrl: word.htmlUrl,
  });
}
