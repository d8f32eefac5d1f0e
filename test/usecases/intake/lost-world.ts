// What tests of lost webhooks share: jobs in repositories, time that passes, and what all that asked of GitHub.
import { expect } from "vitest";
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { GithubError } from "../../../shared/ports/github.ts";
import { findUnheardJobs } from "../../../shared/usecases/intake/find-unheard-jobs.ts";
import { REPOSITORY } from "../../domain/builders.ts";
import { jobsOf, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** What GitHub allows an installation in an hour, and the part of it that looking for unheard jobs may take. */
export const SHARE_OF_LIMIT = 0.2 * 5_000;

type Repository = WorkflowJobWord["repository"];

/** Each in a run of its own, as the calls for it are then most. */
export function queueIn(
  { github }: World,
  repository: Repository,
  fields: Partial<WorkflowJobWord> = {},
): WorkflowJobWord {
  return github.queue({ repository, runId: 7_000 + github.jobs.size, ...fields });
}

/** A delivery that nobody answered, of a job that asks for no worker any more. */
export function lostEnd(world: World): WorkflowJobWord {
  const { emits } = world.github.hook;
  world.github.hook.emits = () => false;
  const { workflowJobId } = queueIn(world, REPOSITORY);
  world.github.hook.emits = emits;
  const word = world.github.change(workflowJobId, { status: "completed", conclusion: "cancelled" });
  world.github.takeOutbox();
  return word;
}

export async function remember({ stores, now }: World, repository: Repository): Promise<void> {
  await stores.repositories.saw({ ...repository, installationId: 99, lastJobAt: now() });
}

export async function lookEveryMinute(world: World, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await findUnheardJobs(world.deps);
    world.clock.advance(MINUTE_MS);
  }
}

/** Every workflow job ran or was cancelled, what we know of them has come to its end, and nothing is left. */
export async function expectAllDone(world: World): Promise<void> {
  expect(await play(world, { forMs: 6 * HOUR_MS, stepMs: 20_000, until: isDone })).toBe(true);
  expect(world.faults).toEqual([]);
  for (const { conclusion } of world.github.jobs.values())
    expect(conclusion).toMatch(/^(success|cancelled)$/);
}

/** A job that nobody told us of may run on the runner of an equal one, and be over before we look: it has no record. */
async function isDone(world: World): Promise<boolean> {
  const pool = await poolOf(world);
  const jobs = await jobsOf(world);
  return (
    [...world.github.jobs.values()].every(({ status }) => status === "completed") &&
    jobs.every((job) => job === undefined || job.end !== undefined) &&
    (await world.pool.list()).length === 0 &&
    world.github.runners.size === 0 &&
    (pool === undefined || usedCards(pool) === 0)
  );
}

export type OpenJobsCalls = {
  /** Of GitHub's API: two lists of runs and one of jobs for each run. */
  http(): number;
  /** Ids of those asked for. */
  readonly repositories: Set<number>;
};

/** From now on; those in `refused` are answered with 404. */
export function watchOpenJobs({ github }: World, refused: ReadonlySet<number> = new Set()): OpenJobsCalls {
  const ask = github.openJobs.bind(github);
  const repositories = new Set<number>();
  let http = 0;
  github.openJobs = async (caller, repository, after) => {
    repositories.add(repository.id);
    http += 2;
    if (refused.has(repository.id)) throw new GithubError("not installed there", { fault: "not-found" });
    const answer = await ask(caller, repository, after);
    http += new Set(answer.words.map(({ runId }) => runId)).size;
    return answer;
  };
  return { http: () => http, repositories };
}

/** For people who run the tests: what things cost is worth reading even when it is within its bounds. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
