// The process ends before and after every effect of the reconciler's own rooms; the next ones finish what it began.
import { describe, expect, test } from "vitest";
import { aWorkerId, OWNER, TENANT } from "../../domain/builders.ts";
import { isQuiet, jobsOf, play } from "../../fakes/play.ts";
import type { FuseMoment } from "../../fakes/stores/fuse.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Scene = {
  readonly name: string;
  /** Sets the scene; from then on every effect may be the last. */
  readonly set: (world: World) => Promise<void>;
  /** How long all of it takes without a crash. */
  readonly forMs: number;
};

const SCENES: readonly Scene[] = [
  { name: "a container without a record", set: strayContainer, forMs: 5 * MINUTE_MS },
  { name: "a registration without a worker", set: strayRegistration, forMs: 25 * MINUTE_MS },
  { name: "a worker that lost its record", set: lostRecord, forMs: 5 * MINUTE_MS },
  { name: "a runner whose registration is gone", set: ghost, forMs: 8 * MINUTE_MS },
  { name: "a worker that never boots", set: neverBoots, forMs: 20 * MINUTE_MS },
  { name: "cards held by nobody", set: strayCards, forMs: 3 * MINUTE_MS },
];

describe.each(SCENES)("$name", (scene) => {
  test.each(["before", "after"] as const)("the process ends %s each effect", async (moment) => {
    const { effects, end } = await run(scene);
    expect(end).toEqual(RIGHT);
    expect(effects).toBeGreaterThan(3);
    for (let n = 1; n <= effects; n++) {
      const { end: after } = await run(scene, { n, moment });
      expect(after, `the process ended ${moment} effect ${n} of ${effects}`).toEqual(RIGHT);
    }
  });
});

const RIGHT = { quiet: true, wrong: 0, overbooked: [], faults: [] };

async function run(scene: Scene, crash?: { readonly n: number; readonly moment: FuseMoment }) {
  const world = createWorld({ cards: 2, script: { jobMs: 2 * MINUTE_MS } });
  world.github.queue();
  await world.deliver();
  await scene.set(world);
  const before = world.fuse.count;
  if (crash !== undefined) world.fuse.arm(before + crash.n, crash.moment);
  await play(world, { forMs: scene.forMs, stepMs: 30_000 });
  const effects = world.fuse.count - before;
  const quiet = await play(world, { forMs: 2 * HOUR_MS, stepMs: 30_000, until: isQuiet });
  const wrong = (await jobsOf(world)).filter((job) => job?.state !== "COMPLETED").length;
  return { effects, end: { quiet, wrong, overbooked: world.pool.overbooked, faults: world.faults } };
}

async function strayContainer(world: World): Promise<void> {
  const workerId = aWorkerId("npud-t3st00-stray0000001");
  const { script } = world;
  world.script = { ...script, mute: true };
  const spec = world.pool.started[0]!;
  await world.pool.start({ ...spec, workerId, slots: [], cards: 0, limitMs: 24 * HOUR_MS });
  world.script = script;
}

async function strayRegistration(world: World): Promise<void> {
  const { github } = world;
  const scope = { type: "organization", org: OWNER.login } as const;
  const { token } = await github.registrationToken({ owner: OWNER, installationId: undefined }, scope);
  github.register(token, { name: "npud-t3st00-gone0000001", labels: [] });
}

async function lostRecord(world: World): Promise<void> {
  for (let n = 0; n < 4; n++) await world.step();
  world.loseRecord(world.pool.started[0]!.workerId);
}

async function ghost(world: World): Promise<void> {
  for (let n = 0; n < 4; n++) await world.step();
  const [runner] = world.github.runners.values();
  await world.github.deleteRunner({ owner: OWNER, installationId: undefined }, runner!.scope, runner!.id);
}

async function neverBoots(world: World): Promise<void> {
  const { script } = world;
  world.script = { ...script, mute: true };
  world.github.queue();
  await world.deliver();
  world.script = script;
}

async function strayCards(world: World): Promise<void> {
  const [name] = world.deps.pools.keys();
  const pool = (await world.stores.pools.get(name!))!;
  const stray = { tenant: TENANT, cards: 1, slots: [1] };
  const reservations = { ...pool.reservations, "npud-t3st00-never0000001": stray };
  await world.stores.pools.replace({ ...pool, version: pool.version + 1, reservations });
}
