// Workflow jobs that GitHub never sent a word of: asks for the open ones of each repository that had a job of ours.
//
// A repository that never had one is not looked at: of its first job we hear by the webhook or by its redelivery
// (recover-deliveries.ts), else with its next. A job that ended unheard is asked about when its worker ends.

import { resolveEndpoint } from "../../domain/admission/matching.ts";
import { policyOf, repositoryRefusal } from "../../domain/admission/tenant-policy.ts";
import type { WorkflowJobWord } from "../../domain/github-event.ts";
import type { EpochMs } from "../../domain/ids.ts";
import { githubJobId, isWorkerName, tenantId } from "../../domain/ids.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { advanceByWord } from "../../domain/job/job-events.ts";
import type { SeenRepository } from "../../domain/job/repository.ts";
import { isAhead } from "../../domain/time-gate.ts";
import type { Marked } from "../../domain/upkeep/marks.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { receiveDelivery } from "./receive-delivery.ts";

const MINUTE_MS = 60_000;
/** Each repository is looked at about this often, as long as CALL_MS allows. */
const ROUND_MS = 10 * MINUTE_MS;
/**
 * Time that each call takes up: 3,600,000 / 3,800 = 947 calls an hour over all repositories, below 20 % of the 5,000 that
 * GitHub allows even one installation. 100 repositories without an open run cost 2 calls each: a round of 13 minutes.
 */
const CALL_MS = 3_800;
/** The two lists of runs in `openJobs`, beside one call for each run. */
const LIST_CALLS = 2;
/** Unused time that is made up for: a pass that came late, not an outage. */
const CREDIT_MS = 2 * MINUTE_MS;
/** Those with the newest jobs; more would make the round longer than 40 minutes. */
const REPOSITORIES = 300;
/** What one pass may cost at most: one repository of 100 runs, whose lists have ten pages each. */
const MOST_PAID_MS = 120 * CALL_MS + ROUND_MS;
const CURSOR_ID = "unheard-jobs";
/** Where a repository with more open runs than one look reads is gone on with; forgotten when nobody looked for so long. */
const RUNS_ID = "open-runs";
const RUNS_KEPT_MS = 24 * 60 * MINUTE_MS;

/**
 * One bounded pass. What GitHub refuses for one repository (not installed there any more, suspended, limited) is a warning
 * and keeps no other waiting; when GitHub does not answer at all, the pass ends and the next goes on behind that
 * repository.
 */
export async function findUnheardJobs(deps: Deps): Promise<void> {
  const { clock, stores } = deps;
  const now = clock.now();
  const stored = await stores.marks.get("cursor", CURSOR_ID);
  // Up to when the calls made so far are paid for.
  let paidUntil = Math.max(stored?.value.roundAt ?? now, now - CREDIT_MS);
  if (isAhead(paidUntil, MOST_PAID_MS, now)) return;
  paidUntil = Math.min(paidUntil, now);
  const rotation = inRotation(await stores.repositories.list(REPOSITORIES), stored?.value.after);
  if (rotation.length === 0) return;
  let after = stored?.value.after;
  for (const repository of rotation) {
    if (paidUntil > now) break;
    const { calls, goOn } = await lookAt(deps, repository);
    paidUntil += Math.max(ROUND_MS / rotation.length, calls * CALL_MS);
    after = String(repository.id);
    if (!goOn) break;
  }
  await saveCursor(deps, stored, { after, paidUntil });
}

/** By id, so that news does not change the order, beginning behind the last one looked at. */
function inRotation(repositories: readonly SeenRepository[], after: string | undefined): SeenRepository[] {
  const last = Number(after ?? 0);
  const byId = [...repositories].sort((a, b) => a.id - b.id);
  return [...byId.filter(({ id }) => id > last), ...byId.filter(({ id }) => id <= last)];
}

async function saveCursor(
  { stores }: Deps,
  stored: Marked<"cursor"> | undefined,
  { after, paidUntil }: { readonly after: string | undefined; readonly paidUntil: EpochMs },
): Promise<void> {
  const value = { after, roundAt: paidUntil };
  // A lost race: another pass looked at the same repositories, and its calls are as many.
  await stores.marks.put("cursor", CURSOR_ID, { version: (stored?.version ?? 0) + 1, value });
}

/** A repository whose runs are all read in one look needs no cursor. */
async function saveRuns(
  { stores, clock }: Deps,
  id: number,
  stored: Marked<"cursor"> | undefined,
  next: number | undefined,
): Promise<void> {
  if (stored === undefined && next === undefined) return;
  const now = clock.now();
  const value = { after: next === undefined ? undefined : String(next), roundAt: now };
  const version = (stored?.version ?? 0) + 1;
  await stores.marks.put("cursor", `${RUNS_ID}-${id}`, { version, value, expiresAt: now + RUNS_KEPT_MS });
}

type Look = { readonly calls: number; readonly goOn: boolean };

/** `calls`: about how many it took. Not `goOn`: GitHub is not there, or not for this repository. */
async function lookAt(deps: Deps, repository: SeenRepository): Promise<Look> {
  if (await isRefused(deps, repository)) return { calls: 0, goOn: true };
  try {
    const { owner, id, name, installationId } = repository;
    const runs = await deps.stores.marks.get("cursor", `${RUNS_ID}-${id}`);
    const after = Number(runs?.value.after ?? 0);
    const { words, next } = await deps.github.openJobs({ owner, installationId }, { owner, id, name }, after);
    for (const word of words) await hear(deps, word);
    await saveRuns(deps, id, runs, next);
    return { calls: LIST_CALLS + new Set(words.map(({ runId }) => runId)).size, goOn: true };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    const place = `${repository.owner.login}/${repository.name}`;
    deps.log.warn("repository-not-looked-at", { repository: place, message: error.message, error });
    return { calls: 1, goOn: error.fault !== "unavailable" };
  }
}

/** By GitHub, as the tenant has suspended or removed the App, or by its own policy: none of its jobs would be served. */
async function isRefused({ stores, tenants }: Deps, { owner, name }: SeenRepository): Promise<boolean> {
  const id = tenantId(owner.id);
  const tenant = await stores.tenants.get(id);
  if (tenant?.state === "suspended" || tenant?.state === "removed") return true;
  const policy = policyOf(tenants, { id, login: owner.login });
  return repositoryRefusal(policy, { owner: owner.login, name }) !== undefined;
}

/** As if it had been delivered, when it is ours and news. Near misses are counted by their deliveries only. */
async function hear(deps: Deps, word: WorkflowJobWord): Promise<void> {
  const isOurs = resolveEndpoint(word.labels, deps.catalogue).type === "endpoint";
  if (!isOurs && !(word.runner !== undefined && isWorkerName(word.runner.name))) return;
  const job = await deps.stores.jobs.get(githubJobId(word.workflowJobId));
  if (job !== undefined && (isTerminal(job) || advanceByWord(job, word, deps.clock.now()) === job)) return;
  const received = await receiveDelivery(deps, word, { isAnswer: true });
  if (received.type === "unchanged") return;
  deps.log.info("workflow-job-found", {
    job: received.job.id,
    repository: `${word.repository.owner.login}/${word.repository.name}`,
    state: word.status,
    message: "GitHub's API names it; its webhook did not arrive",
  });
}
