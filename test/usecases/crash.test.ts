// The dispatcher ends at every single effect, and everything still comes to its right end.
import { describe, expect, test } from "vitest";
import { T0 } from "../domain/builders.ts";
import { assignInOrder, isQuiet, jobsOf, play, surplusWorkers } from "../fakes/play.ts";
import type { FuseMoment } from "../fakes/stores/fuse.ts";
import type { Stream, World, WorldOptions } from "../fakes/world.ts";
import { createWorld } from "../fakes/world.ts";

const HOUR_MS = 3_600_000;
/** By then the first worker listens. */
const CANCEL_MS = 60_000;

type Scene = {
  readonly name: string;
  readonly options: WorldOptions;
  readonly jobs: number;
  readonly assign: (world: World) => void;
  /** What else happens, looked at after each step. */
  readonly meanwhile?: (world: World) => void;
};

const SCENES: readonly Scene[] = [
  { name: "one job, token", options: {}, jobs: 1, assign: assignInOrder },
  { name: "one job, JIT", options: { script: { registration: "jit" } }, jobs: 1, assign: assignInOrder },
  { name: "two jobs, one card", options: { cards: 1 }, jobs: 2, assign: assignInOrder },
  { name: "two jobs, runners swapped", options: { cards: 2 }, jobs: 2, assign: assignCrosswise },
  {
    name: "the first of two is cancelled before pickup",
    options: { cards: 1 },
    jobs: 2,
    assign: assignLast,
    meanwhile: cancelFirst,
  },
];

type After = { readonly name: string; readonly stream: Stream; readonly wordsLost: boolean };

/** What the new process meets: nothing but its reconciler, or the stream and GitHub as before. */
const AFTERS: readonly After[] = [
  { name: "all events lost", stream: "lost", wordsLost: true },
  { name: "the stream lost", stream: "lost", wordsLost: false },
  { name: "only what was under way lost", stream: "volatile", wordsLost: false },
  { name: "nothing lost", stream: "in-order", wordsLost: false },
];

describe.each(SCENES)("$name", (scene) => {
  test.each(AFTERS)("$name", async (after) => {
    const effects = await countEffects(scene);
    expect(effects).toBeGreaterThan(15);
    for (const moment of ["before", "after"] as const) {
      for (let n = 1; n <= effects; n++) {
        const end = await endsAfterCrash(scene, after, n, moment);
        expect(end, `the process ended ${moment} effect ${n} of ${effects}`).toEqual(RIGHT);
      }
    }
  });
});

const RIGHT = { quiet: true, wrong: [], overbooked: [], surplus: 0, faults: [] };

async function countEffects(scene: Scene): Promise<number> {
  const world = createWorld(scene.options);
  for (let n = 0; n < scene.jobs; n++) world.github.queue();
  const { assign, meanwhile } = scene;
  expect(
    await play(world, { forMs: HOUR_MS, until: isQuiet, assign, ...(meanwhile && { eachStep: meanwhile }) }),
  ).toBe(true);
  expect(await wrongJobs(world)).toEqual([]);
  return world.fuse.count;
}

async function endsAfterCrash(scene: Scene, after: After, n: number, moment: FuseMoment) {
  const world = createWorld(scene.options);
  world.fuse.arm(n, moment);
  for (let job = 0; job < scene.jobs; job++) world.github.queue();
  let crashed = false;
  let surplus = 0;
  // A `queued` without an answer is delivered again: the recovery of deliveries sees to that.
  world.post = (words) => {
    const again = world.unanswered.splice(0);
    return [...again, ...words].filter((word) => !(crashed && after.wordsLost) || word.status === "queued");
  };
  const quiet = await play(world, {
    forMs: 2 * HOUR_MS,
    until: isQuiet,
    assign: scene.assign,
    eachStep: () => {
      scene.meanwhile?.(world);
      // With its end untold, a job may get a worker in vain.
      if (!after.wordsLost) surplus = Math.max(surplus, surplusWorkers(world));
      if (!world.fuse.blown) return;
      crashed = true;
      world.stream = after.stream;
    },
  });
  return {
    quiet,
    wrong: await wrongJobs(world),
    overbooked: world.pool.overbooked,
    surplus,
    faults: world.faults,
  };
}

/** Jobs that did not end as GitHub says. */
async function wrongJobs(world: World): Promise<unknown[]> {
  const ends: { readonly [conclusion: string]: string } = { success: "COMPLETED", cancelled: "CANCELLED" };
  const jobs = await jobsOf(world);
  const words = [...world.github.jobs.values()];
  return jobs.filter((job, index) => job?.state !== ends[words[index]?.conclusion ?? ""]);
}

/** Leaves the oldest queued job to the last. */
function assignLast({ github, now }: World): void {
  const queued = [...github.jobs.values()].filter((word) => word.status === "queued");
  if (now() < T0 + CANCEL_MS) return;
  for (const name of github.runners.keys()) github.assign(name, queued.pop()?.workflowJobId);
}

function cancelFirst({ github, now }: World): void {
  const [first] = github.jobs.values();
  if (first?.status !== "queued" || now() < T0 + CANCEL_MS) return;
  github.change(first.workflowJobId, { status: "completed", conclusion: "cancelled" });
}

/** Each runner takes another's job: the newest runner the oldest job. */
function assignCrosswise({ github }: World): void {
  const idle = [...github.runners.values()].filter((runner) => runner.online && runner.job === undefined);
  const queued = [...github.jobs.values()].filter((word) => word.status === "queued");
  if (idle.length < queued.length) return;
  idle.reverse().forEach(({ name }, index) => void github.assign(name, queued[index]?.workflowJobId));
}
