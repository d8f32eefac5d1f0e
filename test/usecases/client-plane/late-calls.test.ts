// A client's call that is acted on late: it was about the job's life at that time, and leaves a later one alone.
import { expect, test } from "vitest";
import { CLOCK_SKEW_MS } from "../../../shared/domain/deadlines.ts";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { receiveResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import { apiJobOf, ENDPOINT_NAME, programWorld, submit } from "../../fakes/api-world.ts";
import type { World } from "../../fakes/world.ts";

type Scene = { readonly world: World; readonly worker: WorkerId; readonly job: JobId; holdUp(): () => void };

/** A job that has failed once; `holdUp`: the next look at a job takes until the answer is called. */
async function open(): Promise<Scene> {
  let held: Promise<void> | undefined;
  const wrapStores = (stores: Stores): Stores => ({
    ...stores,
    jobs: {
      ...stores.jobs,
      async get(id) {
        const wait = held;
        held = undefined;
        await wait;
        return stores.jobs.get(id);
      },
    },
  });
  const world = programWorld({ wrapStores });
  const job = await submit(world);
  await world.settle();
  const scene = {
    world,
    job,
    worker: world.pool.running()[0] as WorkerId,
    holdUp() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
  await fail(scene);
  return scene;
}

async function fail({ world, worker, job }: Scene): Promise<void> {
  await giveJob(world.deps, worker, { bootId: "sdk", inProgress: false });
  await receiveResult(world.deps, worker, job, { error: "failed" });
  expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED" });
}

async function retry({ world, job }: Scene) {
  const outcome = await retryJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
  await world.settle();
  return outcome;
}

test("a /retry that was repeated does not start a third life when the second has failed", async () => {
  const scene = await open();
  const { world, job } = scene;
  const letGo = scene.holdUp();
  const late = retry(scene);
  expect(await retry(scene)).toMatchObject({ type: "retried" });
  world.clock.advance(CLOCK_SKEW_MS + 1);
  await fail(scene);
  letGo();
  expect(await late).toMatchObject({
    type: "refused",
    message: expect.stringContaining("since this was sent"),
  });
  expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", api: { generation: 2 } });
  expect(await retry(scene)).toMatchObject({ type: "retried" });
});

test("a /cancel from before does not end the life after it", async () => {
  const scene = await open();
  const { world, job } = scene;
  const cancel = () => cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
  const letGo = scene.holdUp();
  const late = cancel();
  world.clock.advance(CLOCK_SKEW_MS + 1);
  await retry(scene);
  letGo();
  await late;
  expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_QUEUE", api: { generation: 2 } });
  await cancel();
  expect(await apiJobOf(world, job)).toMatchObject({ state: "CANCELLED" });
});
