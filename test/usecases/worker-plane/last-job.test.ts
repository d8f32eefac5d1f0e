// RunPod's `refresh_worker`: a program says with its result that it was its last job.
import { expect, test } from "vitest";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { updateWorker } from "../../../shared/usecases/update.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { receiveResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { apiJobOf, programWorld, submit } from "../../fakes/api-world.ts";
import type { World } from "../../fakes/world.ts";

/** What the end of a job sets in motion happens within the write that ends it, as in one process it may. */
function eagerWorld(): World {
  const world: World = programWorld({
    cards: 2,
    wrapStores: (stores: Stores) => ({
      ...stores,
      jobs: {
        ...stores.jobs,
        async replace(next) {
          const isDone = await stores.jobs.replace(next);
          if (isTerminal(next)) await world.settle();
          return isDone;
        },
      },
    }),
  });
  return world;
}

test("it is given no further one, though its job's end was heard of first", async () => {
  const world = eagerWorld();
  const first = await submit(world);
  await world.settle();
  await world.step();
  const { id } = world.workers[0]!;
  const next = await submit(world);
  await receiveResult(world.deps, id, first, { output: 1, stopPod: true });
  await world.settle();
  expect((await apiJobOf(world, first)).state).toBe("COMPLETED");
  expect((await world.stores.workers.get(id))?.state).toMatch(/finished|released/);
  expect((await apiJobOf(world, next)).workerId).not.toBe(id);
});

test("a process that ends between the job's end and the worker's: its next poll ends it", async () => {
  const world = programWorld();
  const job = await submit(world);
  await world.settle();
  await world.step();
  const { id } = world.workers[0]!;
  await updateWorker(world.stores.workers, id, (worker) => {
    const { lease: _lease, ...left } = worker;
    return { ...left, state: "listening", drain: { reason: "last-job", at: world.now() } };
  });
  expect(await giveJob(world.deps, id, { bootId: "sdk", inProgress: false })).toEqual({
    type: "nothing",
    waits: false,
  });
  expect(await world.stores.workers.get(id)).toMatchObject({ state: "finished", jobId: job });
});
