// What a pass of the reconciler reads where all is well: nothing by the worker, and nothing about lanes without jobs.
import { expect, test } from "vitest";
import type { Stores } from "../../shared/ports/store.ts";
import { reconcile } from "../../shared/usecases/reconcile/reconcile.ts";
import type { World } from "../fakes/world.ts";
import { createWorld } from "../fakes/world.ts";

test.each([1, 8])("%i workers at work: none of them is read, nor is their tenant", async (count) => {
  const reads = new Map<string, number>();
  const world = await running(count, reads);
  const [pool] = await pools(world);
  expect(Object.keys(pool?.reservations ?? {})).toHaveLength(count);
  await reconcile(world.deps);
  expect(Object.fromEntries(reads)).toEqual({});
});

test("cards of a worker that the index no longer shows are given back", async () => {
  const world = await running(2, new Map());
  const [pool] = await pools(world);
  const [id = ""] = Object.keys(pool?.reservations ?? {});
  const worker = await world.stores.workers.get(id as never);
  await world.stores.workers.replace({ ...worker!, version: worker!.version + 1, state: "released" });
  await reconcile(world.deps);
  const [after] = await pools(world);
  expect(Object.keys(after?.reservations ?? {})).toHaveLength(1);
});

/** So many workers that listen, and have just sent their heartbeats; then the reads of workers and tenants are counted. */
async function running(count: number, reads: Map<string, number>): Promise<World> {
  const counted = <Args extends unknown[], Answer>(name: string, call: (...args: Args) => Answer) => {
    return (...args: Args): Answer => {
      reads.set(name, (reads.get(name) ?? 0) + 1);
      return call(...args);
    };
  };
  const wrapStores = (stores: Stores): Stores => {
    const { workers, tenants } = stores;
    const readWorker = {
      get: counted("workers.get", workers.get.bind(workers)),
      live: counted("workers.live", workers.live.bind(workers)),
    };
    const readTenant = { get: counted("tenants.get", tenants.get.bind(tenants)) };
    return {
      ...stores,
      workers: Object.assign(Object.create(workers), readWorker),
      tenants: Object.assign(Object.create(tenants), readTenant),
    };
  };
  const world = createWorld({ wrapStores, cards: 8 });
  for (let n = 0; n < count; n++) world.github.queue();
  await world.deliver();
  for (let n = 0; n < 3; n++) await world.step();
  await reconcile(world.deps);
  reads.clear();
  return world;
}

async function pools({ deps, stores }: World) {
  return Promise.all([...deps.pools.keys()].map((name) => stores.pools.get(name)));
}
