// One worker at a time probes for jobs that GitHub has queued and does not give out (domain/probe-group.ts).
// The group is a mark: where it is lost or late, each job's own hold ends by time.
import { GITHUB_QUEUE_MS } from "../../domain/deadlines.ts";
import type { JobId } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal, isWaiting } from "../../domain/job/job.ts";
import { awaitProbe, liftHold } from "../../domain/job/job-steps.ts";
import type { ProbeGroup } from "../../domain/job/probe-group.ts";
import { admit, idled, NO_GROUP, probeGroupId, progressed } from "../../domain/job/probe-group.ts";
import type { Deps } from "../deps.ts";
import { lostRaces, MAX_RACES, updateJob } from "../update.ts";

/** Asked before a worker is made for a waiting job; one that is to wait is held here. */
export async function mayProbe(deps: Deps, job: Job): Promise<boolean> {
  const id = probeGroupId(job);
  const seen = id === undefined ? undefined : await deps.stores.marks.get("probe-group", id);
  if (id === undefined || seen === undefined) return true;
  let waitUntil: number | undefined;
  await updateGroup(deps, id, async (group) => {
    const admission = admit(group, job.id, await probingOf(deps, group), deps.clock.now());
    waitUntil = admission.waitUntil;
    return admission.group;
  });
  if (waitUntil === undefined) return true;
  const until = waitUntil;
  await updateJob(deps.stores.jobs, job.id, (current) =>
    isWaiting(current) ? awaitProbe(current, until, deps.clock.now()) : undefined,
  );
  return false;
}

/** After a job was held because its runner listened in vain. Safe to repeat. */
export async function noteIdleEnd(deps: Deps, job: Job): Promise<void> {
  const id = probeGroupId(job);
  if (id === undefined || job.hold?.reason !== "not-assigned") return;
  const random = deps.random.fraction();
  await updateGroup(deps, id, async (group) => idled(group, job.id, deps.clock.now(), random));
}

/** True for a job whose progress may let others of its group start. */
export function endsProbe(job: Job): boolean {
  if (job.github === undefined) return false;
  if (isTerminal(job)) return job.workerId !== undefined || job.idleEnds !== undefined;
  return job.state === "IN_PROGRESS" && job.idleEnds !== undefined;
}

/** GitHub gave the job out, or it has ended: the next ones of its group need not wait for their time. */
export async function noteProgress(deps: Deps, job: Job): Promise<void> {
  const id = probeGroupId(job);
  if (id === undefined || (await deps.stores.marks.get("probe-group", id)) === undefined) return;
  let lifted: readonly JobId[] = [];
  await updateGroup(deps, id, async (group) => {
    const progress = progressed(group, job.id, progressOf(job));
    lifted = progress.lifted;
    return progress.group;
  });
  for (const one of lifted) await lift(deps, one);
}

/** After a cancel no other is let in: it is mostly the whole run that was cancelled, and their words are on the way. */
function progressOf(job: Job): "assigned" | "ended" | "gone" {
  if (!isTerminal(job)) return "assigned";
  const hasRun = job.github?.runner !== undefined && job.state !== "CANCELLED";
  return hasRun ? "ended" : "gone";
}

async function lift(deps: Deps, id: JobId): Promise<void> {
  const { changed } = await updateJob(deps.stores.jobs, id, (job) => {
    const reason = job.hold?.reason;
    const isHeldBack = reason === "not-assigned" || reason === "awaits-probe";
    return isHeldBack && !isTerminal(job) ? liftHold(job, deps.clock.now()) : undefined;
  });
  if (changed) deps.log.info("probe-admitted", { job: id });
}

/** Those that wait for a card or have a worker: the others have lost their turn. */
async function probingOf(deps: Deps, group: ProbeGroup): Promise<ReadonlySet<JobId>> {
  const jobs = await Promise.all(group.admitted.map((id) => deps.stores.jobs.get(id)));
  const probing = jobs.filter((job) => job?.state === "IN_QUEUE" && job.hold === undefined);
  return new Set(probing.map((job) => (job as Job).id));
}

async function updateGroup(
  deps: Deps,
  id: string,
  decide: (group: ProbeGroup) => Promise<ProbeGroup>,
): Promise<void> {
  for (let race = 0; race < MAX_RACES; race++) {
    const seen = await deps.stores.marks.get("probe-group", id);
    const group = seen?.value ?? NO_GROUP;
    const value = await decide(group);
    if (value === group) return;
    const expiresAt = deps.clock.now() + GITHUB_QUEUE_MS;
    const version = (seen?.version ?? 0) + 1;
    if (await deps.stores.marks.put("probe-group", id, { version, value, expiresAt })) return;
  }
  throw lostRaces(`probe group ${id}`);
}
