// Lets a world go on by itself: workers step, GitHub gives jobs to runners, the reconciler comes by every minute.

import { githubJobId } from "../../shared/domain/ids.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import type { Pool } from "../../shared/domain/pool/pool.ts";
import { usedCards } from "../../shared/domain/pool/pool.ts";
import { POOL } from "../domain/builders.ts";
import type { World } from "./world.ts";

export type PlayOptions = {
  readonly forMs: number;
  readonly stepMs?: number;
  /** Which idle runner gets which job; the oldest runner the oldest job unless given. */
  readonly assign?: (world: World) => void;
  readonly eachStep?: (world: World) => void | Promise<void>;
  /** Stops earlier when this holds. */
  readonly until?: (world: World) => Promise<boolean>;
};

const STEP_MS = 10_000;
const RECONCILE_MS = 60_000;

/** Answers whether `until` was met. */
export async function play(world: World, options: PlayOptions): Promise<boolean> {
  const { forMs, stepMs = STEP_MS, assign = assignInOrder, eachStep, until } = options;
  const end = world.now() + forMs;
  let reconciledAt = world.now();
  await world.deliver();
  while (world.now() < end) {
    world.clock.advance(stepMs);
    if (world.fuse.blown) world.restart();
    await world.step();
    assign(world);
    await world.deliver();
    if (world.now() - reconciledAt >= RECONCILE_MS) {
      reconciledAt = world.now();
      await world.reconcile();
    }
    await eachStep?.(world);
    if (await until?.(world)) return true;
  }
  return false;
}

export function assignInOrder(world: World): void {
  for (const name of world.github.runners.keys()) world.github.assign(name);
}

/** Nothing is left of anything: all jobs have ended on both sides, nobody holds a card or a registration. */
export async function isQuiet(world: World): Promise<boolean> {
  const pool = await poolOf(world);
  const jobs = await jobsOf(world);
  return (
    [...world.github.jobs.values()].every((word) => word.status === "completed") &&
    jobs.every((job) => job?.end !== undefined) &&
    world.pool.running().length === 0 &&
    (await world.pool.list()).length === 0 &&
    world.github.runners.size === 0 &&
    (pool === undefined || usedCards(pool) === 0) &&
    (await world.stores.workers.live(POOL)).length === 0
  );
}

export async function poolOf(world: World): Promise<Pool | undefined> {
  return world.stores.pools.get(POOL);
}

export async function jobOf(world: World, workflowJobId: number): Promise<Job> {
  const job = await world.stores.jobs.get(githubJobId(workflowJobId));
  if (job === undefined) throw new Error(`no job gh-${workflowJobId}`);
  return job;
}

/** The job of each workflow job that GitHub knows; undefined where we have none. */
export async function jobsOf(world: World): Promise<(Job | undefined)[]> {
  return Promise.all([...world.github.jobs.keys()].map((id) => world.stores.jobs.get(githubJobId(id))));
}

/** Workers that live and have not done their job, beyond the workflow jobs that are not completed. */
export function surplusWorkers({ pool, worker, github }: World): number {
  const atWork = pool.running().filter((id) => worker(id).stage !== "reporting");
  const open = [...github.jobs.values()].filter((word) => word.status !== "completed");
  return Math.max(0, atWork.length - open.length);
}
