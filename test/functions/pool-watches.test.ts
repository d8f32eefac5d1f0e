// What a pool tells of a container's end: its worker is looked at at once, a few side by side, and a fault is left to the
// pass.
import { expect, test } from "vitest";
import { watchPools } from "../../functions/pool-watches.ts";
import type { WorkerId } from "../../shared/domain/ids.ts";
import { POLL } from "../contract/pool-driver-contract.ts";
import { jobOf } from "../fakes/play.ts";
import { createWorld, type World } from "../fakes/world.ts";

const OOM = "was killed for lack of memory (OOMKilled): raise perCard.memory of pool a2";

type Watched = { readonly world: World; tell(id: WorkerId): void; stop(): Promise<void> };

async function stateOf({ stores }: World, id: WorkerId) {
  return (await stores.workers.get(id))?.state;
}

/** Jobs whose workers have started, under a watch. */
async function watched(jobs: number): Promise<Watched & { readonly ids: readonly number[] }> {
  const world = createWorld({ cards: jobs });
  const ids = Array.from({ length: jobs }, () => world.github.queue().workflowJobId);
  await world.deliver();
  await world.step();
  let tell: (id: WorkerId) => void = () => undefined;
  world.pool.watch = (onEnd) => {
    tell = onEnd;
    const deaf = () => {
      tell = () => undefined;
    };
    return { stop: deaf };
  };
  const pools = new Map([...world.deps.pools].map(([name, pool]) => [name, { ...pool, driver: world.pool }]));
  const { stop } = watchPools({ ...world.deps, pools });
  return { world, ids, tell: (id) => tell(id), stop };
}

test("a worker that was killed is lost at once, with the pool's reason, and no pass was needed", async () => {
  const { world, ids, tell, stop } = await watched(1);
  const [first] = world.pool.running();
  world.pool.crash(first!, OOM);
  tell(first!);
  await expect.poll(() => stateOf(world, first!), POLL).toBe("lost");
  await stop();
  await world.settle();
  expect(await stateOf(world, first!)).toBe("released");
  const message = `its worker ended without a report: its container ${OOM}`;
  expect((await jobOf(world, ids[0]!)).hold).toMatchObject({ message });
});

test("a host that loses all at once: each is looked at, eight side by side", async () => {
  const { world, tell, stop } = await watched(30);
  const all = world.pool.running();
  let most = 0;
  let now = 0;
  const inspect = world.pool.inspect;
  world.pool.inspect = async (id) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return inspect(id);
  };
  for (const id of all) world.pool.crash(id, OOM);
  for (const id of [...all, ...all]) tell(id);
  const states = () => Promise.all(all.map((id) => stateOf(world, id)));
  await expect.poll(states, POLL).toEqual(all.map(() => "lost"));
  expect(most).toBe(8);
  await stop();
});

test("what one knows nothing of, and a fault, are no matter; once stopped nothing is looked at", async () => {
  const { world, tell, stop } = await watched(2);
  const [one, other] = world.pool.running();
  tell("npud-abc123-unknown" as WorkerId);
  world.pool.disconnect();
  tell(one!);
  await expect.poll(() => world.log.of("end-not-looked-at"), POLL).toHaveLength(1);
  world.pool.heal();
  // It lives: nothing is done to it.
  tell(one!);
  await stop();
  world.pool.crash(other!, OOM);
  tell(other!);
  await world.settle();
  expect(await Promise.all([one!, other!].map((id) => stateOf(world, id)))).toEqual(["booted", "booted"]);
});
