// The dispatcher ends at every single effect of an API job's life, and every job still comes to a right end.
import { describe, expect, test } from "vitest";
import type { JobId } from "../../../shared/domain/ids.ts";
import { apiJobOf, areOver, programWorld, runnerWorld, submit } from "../../fakes/api-world.ts";
import { play } from "../../fakes/play.ts";
import type { FuseMoment } from "../../fakes/stores/fuse.ts";
import type { Stream, World } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

type Scene = {
  readonly name: string;
  readonly make: () => World;
  readonly jobs: number;
  /** How its jobs may end; a result that was posted once into a dispatcher that ended is lost for good. */
  readonly ends: readonly string[];
  readonly assign?: (world: World) => void;
};

const SCENES: readonly Scene[] = [
  {
    name: "a program, two jobs, one card",
    make: () => programWorld(),
    jobs: 2,
    ends: ["COMPLETED"],
  },
  {
    name: "a program that posts once",
    make: () => programWorld({ script: { program: { jobMs: 60_000, postsOnce: true } } }),
    jobs: 2,
    ends: ["COMPLETED", "FAILED"],
  },
  {
    name: "a program whose every job is its last",
    make: () => programWorld({ script: { program: { jobMs: 60_000, stopPod: true } } }),
    jobs: 2,
    ends: ["COMPLETED"],
  },
  {
    name: "our runner, one job",
    make: () => runnerWorld(),
    jobs: 1,
    ends: ["COMPLETED"],
    assign: queueAndAssign,
  },
];

const STREAMS: readonly Stream[] = ["lost", "volatile", "in-order"];

describe.each(SCENES)("$name", (scene) => {
  test.each(STREAMS)("then the stream is %s", async (stream) => {
    const effects = await countEffects(scene);
    expect(effects).toBeGreaterThan(12);
    for (const moment of ["before", "after"] as const) {
      for (let n = 1; n <= effects; n++) {
        const end = await endsAfterCrash(scene, stream, n, moment);
        expect(end, `the process ended ${moment} effect ${n} of ${effects}`).toEqual(RIGHT);
      }
    }
  });
});

const RIGHT = { over: true, wrong: [], overbooked: [], faults: [] };

async function countEffects(scene: Scene): Promise<number> {
  const world = scene.make();
  const ids = await submitAll(world, scene);
  const before = world.fuse.count;
  expect(await playOut(world, ids, scene)).toBe(true);
  const states = await Promise.all(ids.map(async (id) => (await apiJobOf(world, id)).state));
  expect(states).toEqual(ids.map(() => "COMPLETED"));
  return world.fuse.count - before;
}

async function endsAfterCrash(scene: Scene, stream: Stream, n: number, moment: FuseMoment) {
  const world = scene.make();
  const ids = await submitAll(world, scene);
  world.fuse.arm(n, moment);
  const over = await playOut(world, ids, scene, () => {
    if (world.fuse.blown) world.stream = stream;
  });
  const jobs = await Promise.all(ids.map((id) => apiJobOf(world, id)));
  return {
    over,
    wrong: jobs.filter(({ state }) => !scene.ends.includes(state)),
    overbooked: world.pool.overbooked,
    faults: world.faults,
  };
}

async function submitAll(world: World, { jobs }: Scene): Promise<JobId[]> {
  const ids: JobId[] = [];
  for (let n = 0; n < jobs; n++) ids.push(await submit(world));
  return ids;
}

function playOut(world: World, ids: readonly JobId[], scene: Scene, eachStep = () => {}): Promise<boolean> {
  const { assign = () => {} } = scene;
  return play(world, { forMs: 3 * HOUR_MS, until: () => areOver(world, ids), assign, eachStep });
}

/** A workflow asks for the job's own label, as soon as a runner is there. */
function queueAndAssign({ github }: World): void {
  for (const { name, online, labels } of github.runners.values()) {
    const label = labels.find((one) => one.startsWith("npud-job-"));
    if (!online || label === undefined) continue;
    if (github.jobs.size === 0) github.queue({ labels: [label] });
    github.assign(name);
  }
}
