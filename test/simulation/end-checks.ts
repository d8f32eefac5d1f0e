// When all is over: nothing waits that could run, nothing is left behind on any side, and both sides agree how each job ended.
import { githubJobId, isOwnRunner } from "../../shared/domain/ids.ts";
import type { Job, JobState } from "../../shared/domain/job.ts";
import { isTerminal, isWaiting } from "../../shared/domain/job.ts";
import { isLive } from "../../shared/domain/worker.ts";
import type { SimJob } from "./github-things.ts";
import { DEPLOYMENT, isBeyondQuota, POOL } from "./scenery.ts";
import type { World } from "./world.ts";

/** Nothing is left to be done, so nothing will happen any more. */
export function isQuiet(world: World): boolean {
  const { table, outside, dispatcher } = world;
  return (
    ours(world).every((job) => job.status === "completed" || waitsForEver(job)) &&
    outside.hook.isEmpty &&
    dispatcher.stream.isEmpty &&
    outside.pool.containers.size === 0 &&
    [...table.all.jobs.values()].every((job) => isTerminal(job) || isHopeless(job)) &&
    ![...table.all.workers.values()].some(isLive) &&
    ![...outside.github.runners.keys()].some(isOwn) &&
    Object.keys(table.all.pools.get(POOL)?.reservations ?? {}).length === 0
  );
}

export function checkEnd(world: World): void {
  for (const job of ours(world)) checkJob(world, job);
  checkLeftovers(world);
}

function checkJob({ table, watch }: World, job: SimJob): void {
  const record = table.all.jobs.get(githubJobId(job.id));
  const name = `gh-${job.id} (${job.base.name}, ${job.base.labels[0]})`;
  if (job.status !== "completed") {
    if (waitsForEver(job) && record !== undefined && isHopeless(record)) return;
    if (record !== undefined && isTerminal(record)) {
      watch.broken("ended-here-open-there", `${name} is ${record.state} here and ${job.status} at GitHub`);
    } else watch.broken("job-lost", `${name} is ${job.status} at GitHub and ${describe(record)} here`);
    return;
  }
  if (record === undefined) return;
  if (!isTerminal(record))
    watch.broken("open-here-ended-there", `${name} has ended at GitHub and is ${describe(record)}`);
  else if (record.state !== stateFor(job)) {
    watch.broken("wrong-end", `${name} is ${record.state} here and ${job.conclusion} at GitHub`);
  }
}

function checkLeftovers({ table, outside, watch }: World): void {
  for (const { id, state } of outside.pool.containers.values()) {
    const record = table.all.workers.get(id);
    watch.broken("orphan-container", `${id} is ${state} in the pool; its record: ${record?.state ?? "none"}`);
  }
  for (const { id, state, jobId } of table.all.workers.values()) {
    if (state !== "released") watch.broken("orphan-record", `${id} is ${state} for ${jobId}`);
  }
  for (const name of outside.github.runners.keys()) {
    if (isOwn(name)) watch.broken("orphan-registration", `${name} is registered at GitHub`);
  }
  const held = Object.keys(table.all.pools.get(POOL)?.reservations ?? {});
  if (held.length > 0) watch.broken("orphan-cards", `cards are held for ${held.join()}`);
}

/** GitHub itself gives it up after a day. */
function waitsForEver(job: SimJob): boolean {
  return job.status === "queued" && isBeyondQuota(job.base);
}

/** It waits in its lane, and nothing was ever started for it. */
function isHopeless(job: Job): boolean {
  const { github } = job;
  return (
    isWaiting(job) &&
    job.starts === 0 &&
    github !== undefined &&
    isBeyondQuota({ ...github, labels: github.labels })
  );
}

function stateFor({ conclusion }: SimJob): JobState {
  if (conclusion === "success") return "COMPLETED";
  return conclusion === "cancelled" ? "CANCELLED" : "FAILED";
}

function describe(record: Job | undefined): string {
  if (record === undefined) return "unknown";
  const { state, workerId, hold, verifyAt } = record;
  return `${state} on ${workerId ?? "nobody"}, held for ${hold?.reason ?? "nothing"}, ${verifyAt === undefined ? "not " : ""}due`;
}

function ours({ outside }: World): SimJob[] {
  return [...outside.github.jobs.values()].filter((job) => job.isOurs);
}

function isOwn(name: string): boolean {
  return isOwnRunner(DEPLOYMENT, name);
}
