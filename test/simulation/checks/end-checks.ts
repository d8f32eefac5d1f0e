// When all is over: nothing waits that could run, nothing is left behind on any side, and both sides agree how each job
// ended.
import { githubJobId, isOwnRunner } from "../../../shared/domain/ids.ts";
import type { Job, JobState } from "../../../shared/domain/job/job.ts";
import { isTerminal, isWaiting } from "../../../shared/domain/job/job.ts";
import { isLive } from "../../../shared/domain/worker/worker.ts";
import type { SimJob } from "../outside/github-things.ts";
import { DEPLOYMENT, isBeyondQuota } from "../scenery.ts";
import type { World } from "../world.ts";

/** Nothing is left to be done, so nothing will happen any more. */
export function isQuiet(world: World): boolean {
  return isQuietBut(world, () => false);
}

/** All is quiet but for jobs that nothing can start: those wait for a day, until GitHub gives them up. */
export function waitsForDay(world: World): boolean {
  return isQuietBut(world, isBeyondQuota);
}

function isQuietBut(world: World, isLeft: (base: Parameters<typeof isBeyondQuota>[0]) => boolean): boolean {
  const { table, outside, dispatcher, clients } = world;
  const isWaitingStill = (job: Job) =>
    isWaiting(job) && job.starts === 0 && job.github !== undefined && isLeft(job.github);
  return (
    ours(world).every((job) => job.status === "completed" || (job.status === "queued" && isLeft(job.base))) &&
    outside.hook.isEmpty &&
    dispatcher.stream.isEmpty &&
    outside.containers().length === 0 &&
    [...table.all.jobs.values()].every((job) => isOver(job) || isWaitingStill(job)) &&
    ![...table.all.workers.values()].some(isLive) &&
    ![...outside.github.runners.keys()].some(isOwn) &&
    heldCards(world).length === 0 &&
    clients.all.every(({ id, isDone }) => isDone || id === undefined)
  );
}

/** Its client was told, if it asked for that. */
function isOver(job: Job): boolean {
  return isTerminal(job) && job.api?.callback?.dueAt === undefined;
}

function heldCards({ table }: World): string[] {
  return [...table.all.pools.values()].flatMap(({ reservations }) => Object.keys(reservations));
}

export function checkEnd(world: World): void {
  for (const job of ours(world)) checkJob(world, job);
  checkLeftovers(world);
}

function checkJob(world: World, job: SimJob): void {
  const { table, watch } = world;
  const record = table.all.jobs.get(githubJobId(job.id));
  const name = `gh-${job.id} (${job.base.name}, ${job.base.labels[0]})`;
  if (job.status !== "completed") {
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

function checkLeftovers(world: World): void {
  const { table, outside, watch } = world;
  for (const { id, state } of outside.containers()) {
    const record = table.all.workers.get(id);
    watch.broken("orphan-container", `${id} is ${state} in the pool; its record: ${record?.state ?? "none"}`);
  }
  for (const { id, state, jobId } of table.all.workers.values()) {
    if (state !== "released") watch.broken("orphan-record", `${id} is ${state} for ${jobId}`);
  }
  for (const name of outside.github.runners.keys()) {
    if (isOwn(name)) watch.broken("orphan-registration", `${name} is registered at GitHub`);
  }
  const held = heldCards(world);
  if (held.length > 0) watch.broken("orphan-cards", `cards are held for ${held.join()}`);
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
