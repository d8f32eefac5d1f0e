// What a program said before it was given what it has now, acted on afterwards: a store that is slow, a poll that nobody
// holds.
import { describe, expect, test } from "vitest";
import { CLOCK_SKEW_MS } from "../../../shared/domain/deadlines.ts";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { awaitJob } from "../../../shared/usecases/worker-plane/await-job.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { receiveChunk } from "../../../shared/usecases/worker-plane/receive-chunk.ts";
import { receiveResult, refuseResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import { apiJobOf, ENDPOINT_NAME, programWorld, submit } from "../../fakes/api-world.ts";
import type { World } from "../../fakes/world.ts";

const ASK = { bootId: "sdk", inProgress: false };
const NO_PHASE = { phase: undefined, jobName: undefined };

type Scene = {
  readonly world: World;
  readonly worker: WorkerId;
  readonly job: JobId;
  /** The next look at this worker's record takes until the answer is called. */
  holdUp(): () => void;
};

/** One program, and a job that waits for it. */
async function open(): Promise<Scene> {
  let held: Promise<void> | undefined;
  const wrapStores = (stores: Stores): Stores => ({
    ...stores,
    workers: {
      ...stores.workers,
      async get(id) {
        const wait = held;
        held = undefined;
        await wait;
        return stores.workers.get(id);
      },
    },
  });
  const world = programWorld({ wrapStores });
  const job = await submit(world);
  await world.settle();
  const worker = world.pool.running()[0] as WorkerId;
  return {
    world,
    worker,
    job,
    holdUp() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
}

async function take({ world, worker }: Scene): Promise<void> {
  expect(await giveJob(world.deps, worker, ASK)).toMatchObject({ type: "given" });
}

async function ping({ world, worker }: Scene, ...jobIds: readonly string[]): Promise<void> {
  await recordPing(world.deps, worker, { ...NO_PHASE, jobIds });
}

/** Its job failed by its own word, was sent again, and is the program's once more. */
async function nextLife(scene: Scene): Promise<void> {
  const { world, worker, job } = scene;
  await receiveResult(world.deps, worker, job, { error: "failed" });
  world.clock.advance(60_000);
  expect(await retryJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job)).toMatchObject({ type: "retried" });
  await world.settle();
  await take(scene);
}

describe("an ask for another job", () => {
  test("from before its job was given does not fail that one", async () => {
    const scene = await open();
    const { world, worker, job } = scene;
    const letGo = scene.holdUp();
    const late = giveJob(world.deps, worker, ASK);
    world.clock.advance(15_000);
    await take(scene);
    await ping(scene, job);
    world.clock.advance(10_000);
    letGo();
    expect(await late).toEqual({ type: "nothing", waits: true });
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_PROGRESS" });
    world.clock.advance(CLOCK_SKEW_MS);
    await giveJob(world.deps, worker, ASK);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", end: { reason: "result-lost" } });
  });

  test("of a poll that is held for a connection that has broken is no ask after it", async () => {
    const scene = await open();
    const { world, worker, job } = scene;
    await take(scene);
    await receiveResult(world.deps, worker, job, { output: 1 });
    let looks = 0;
    const next: JobId[] = [];
    const pause = async () => {
      if (++looks !== 2) return;
      next.push(await submit(world));
      await take(scene);
      await ping(scene, ...next);
      world.clock.advance(60_000);
    };
    const hold = { holdMs: 2_000, signal: new AbortController().signal, pause };
    expect(await awaitJob(world.deps, worker, ASK, hold)).toEqual({ type: "nothing", waits: true });
    expect(await apiJobOf(world, next[0] as JobId)).toMatchObject({ state: "IN_PROGRESS" });
  });

  test("from before is not counted as one that the job was given in vain for", async () => {
    const scene = await open();
    const { world, worker, job } = scene;
    const letGo = scene.holdUp();
    const late = giveJob(world.deps, worker, ASK);
    world.clock.advance(1_000);
    for (let times = 0; times < 5; times++) await take(scene);
    letGo();
    await late;
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_PROGRESS" });
    expect((await world.stores.workers.get(worker))?.lease).toMatchObject({ times: 5 });
  });
});

describe("of the life before", () => {
  test.each<[string, (scene: Scene) => Promise<unknown>]>([
    ["a result", ({ world, worker, job }) => receiveResult(world.deps, worker, job, { output: "old" })],
    ["an error", ({ world, worker, job }) => receiveResult(world.deps, worker, job, { error: "old" })],
    ["its last job", ({ world, worker, job }) => receiveResult(world.deps, worker, job, { stopPod: true })],
    ["progress", ({ world, worker, job }) => receiveResult(world.deps, worker, job, OLD_PROGRESS)],
    ["one that is refused", ({ world, worker, job }) => refuseResult(world.deps, worker, job, "too large")],
    ["a chunk", ({ world, worker, job }) => receiveChunk(world.deps, worker, job, '"old"')],
    ["a ping with it", (scene) => ping(scene, scene.job)],
    ["a ping without it", (scene) => ping(scene)],
  ])("%s changes nothing", async (_what, say) => {
    const scene = await open();
    const { world, worker, job } = scene;
    await take(scene);
    const letGo = scene.holdUp();
    const late = say(scene);
    await nextLife(scene);
    const [before, held] = [await apiJobOf(world, job), (await world.stores.workers.get(worker))?.lease];
    letGo();
    await late;
    expect(await apiJobOf(world, job)).toEqual(before);
    expect((await world.stores.workers.get(worker))?.lease).toEqual(held);
    expect(await receiveResult(world.deps, worker, job, { output: "new" })).toBe("heard");
    expect(await apiJobOf(world, job)).toMatchObject({
      state: "COMPLETED",
      api: { output: { json: '"new"' } },
    });
  });

  test("a result that comes while the next one is only on its way to the program is not its", async () => {
    const scene = await open();
    const { world, worker, job } = scene;
    await take(scene);
    await ping(scene, job);
    world.clock.advance(CLOCK_SKEW_MS);
    await ping(scene);
    world.clock.advance(20_000);
    await ping(scene);
    expect(await apiJobOf(world, job)).toMatchObject({ end: { reason: "result-lost" } });
    await retryJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
    await world.settle();
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_QUEUE", workerId: worker });
    expect(await receiveResult(world.deps, worker, job, { output: "old" })).toBe("ignored");
    // At work by its own word: on what, it does not say.
    await giveJob(world.deps, worker, { ...ASK, inProgress: true });
    expect(await apiJobOf(world, job)).toMatchObject({ state: "IN_QUEUE" });
  });
});

const OLD_PROGRESS = { status: "IN_PROGRESS", output: "old" } as const;
