// Pairing touches several items, and others look at them meanwhile: what was decided on the state of before is not written,
// and nobody is asked to end who may have been given a job that we know.
import { describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { rebindJob } from "../../../shared/usecases/pairing/rebind-job.ts";
import { retireWorker } from "../../../shared/usecases/pairing/retire-worker.ts";
import { recheckJob } from "../../../shared/usecases/reconcile/recheck-job.ts";
import { aGithubSide, aJob, aWorker, aWorkerId, T0 } from "../../domain/builders.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const W1 = aWorkerId("npud-t3st00-worker0001");
const W2 = aWorkerId("npud-t3st00-worker0002");
const LISTENING = { state: "listening", registered: true, phases: { listening: T0 } } as const;

function given(workflowJobId: number, to: WorkerId, startedAt: number, more: Partial<Job> = {}): Job {
  const runner = { id: 9_001, name: to };
  return aJob({
    state: "IN_PROGRESS",
    github: aGithubSide({ workflowJobId, status: "in_progress", runner, startedAt }),
    phases: { queued: T0, running: T0 },
    ...more,
  });
}

async function worldOf(jobs: Job[], workers: Worker[], options: WorldOptions = {}): Promise<World> {
  const world = createWorld({ stream: "lost", ...options });
  for (const job of jobs) await world.stores.jobs.create(job);
  for (const worker of workers) await world.stores.workers.create(worker);
  return world;
}

describe("GitHub gave A to W1, took it back, and gave W1 B instead: A is asked about soon, whoever looks at it meanwhile", () => {
  const a = given(1, W1, T0, { workerId: W1, verifyAt: T0 });
  const b = given(2, W1, T0 + 50_000, { workerId: W1 });
  const w1 = aWorker({ id: W1, jobId: a.id, ...LISTENING });

  /** Once, before the write of A's look, or of the worker that turns away. */
  function meanwhile(kind: "jobs" | "workers", act: () => Promise<void>): (stores: Stores) => Stores {
    let done = false;
    return (stores) => ({
      ...stores,
      [kind]: {
        ...stores[kind],
        async replace(next: never) {
          const isIts = (next as Job | Worker).id === (kind === "jobs" ? a.id : W1);
          if (isIts && !done) {
            done = true;
            await act();
          }
          return stores[kind].replace(next);
        },
      },
    });
  }

  async function asksSoon(world: World): Promise<void> {
    const { verifyAt } = (await world.stores.jobs.get(a.id)) as Job;
    expect(verifyAt).toBeLessThanOrEqual(world.now() + MINUTE_MS);
    expect(await world.stores.workers.get(W1)).toMatchObject({ jobId: b.id });
  }

  test("a look that has found them paired and writes after W1 has turned away", async () => {
    const world: World = await worldOf([a, b], [w1], {
      wrapStores: meanwhile("jobs", async () => rebindJob(world.deps, b)),
    });
    await recheckJob(world.deps, a);
    await asksSoon(world);
  });

  test("a look that finds them paired just before W1 turns away", async () => {
    const world: World = await worldOf([a, b], [w1], {
      wrapStores: meanwhile("workers", async () => recheckJob(world.deps, a)),
    });
    await rebindJob(world.deps, b);
    await asksSoon(world);
  });
});

test("a former worker that GitHub has given another job since does not take over the one that its taker leaves", async () => {
  const a = aJob({ id: "gh-1" as Job["id"], workerId: W1, verifyAt: T0 });
  const c = given(3, W2, T0);
  const b = given(2, W1, T0, { workerId: W2 });
  const workers = [
    aWorker({ id: W1, jobId: a.id, ...LISTENING }),
    aWorker({ id: W2, jobId: b.id, ...LISTENING }),
  ];
  let turned = false;
  const world: World = await worldOf([a, b, c], workers, {
    wrapStores: (stores) => ({
      ...stores,
      jobs: {
        ...stores.jobs,
        async replace(next) {
          if (!turned) {
            turned = true;
            const w2 = (await stores.workers.get(W2)) as Worker;
            await stores.workers.replace({ ...w2, version: w2.version + 1, jobId: c.id, state: "running" });
          }
          return stores.jobs.replace(next);
        },
      },
    }),
  });
  await rebindJob(world.deps, b);
  expect(await world.stores.workers.get(W2)).toMatchObject({ jobId: c.id });
  expect((await world.stores.jobs.get(a.id))?.workerId).toBeUndefined();
  expect(await world.stores.workers.get(W1)).toMatchObject({ jobId: b.id });
});

describe("a registered worker that nobody needs is kept as a spare", () => {
  const ended = aJob({ state: "CANCELLED" });
  const idle = aWorker({ id: W1, jobId: ended.id, ...LISTENING });
  const busy = aWorker({ id: W2, jobId: "gh-5" as Job["id"], ...LISTENING, state: "running" });
  const isSpareNow = (worker: Worker | undefined) =>
    worker?.state === "listening" && worker.drain === undefined && worker.spareUntil !== undefined;

  async function retired(...jobs: Job[]): Promise<Worker | undefined> {
    const world = await worldOf([ended, ...jobs], [idle, busy]);
    await retireWorker(world.deps, W1, ended.id);
    return world.stores.workers.get(W1);
  }

  test("while GitHub has given it a job whose own worker runs another one", async () => {
    const worker = await retired(given(5, W1, T0, { workerId: W2 }));
    expect(worker).toSatisfy(isSpareNow);
  });

  test("while GitHub has given it a job that had no worker", async () => {
    expect(await retired(given(6, W1, T0))).toSatisfy(isSpareNow);
  });

  test("while an equal job is held after a failed start, which GitHub does not know", async () => {
    const hold = { reason: "start-backoff", message: "", until: T0 + MINUTE_MS } as const;
    const held = aJob({ id: "gh-6" as Job["id"], hold });
    expect(await retired(held)).toSatisfy(isSpareNow);
  });

  test("while an equal worker listens whose job GitHub has given it, and may give again", async () => {
    const world = await worldOf(
      [ended, given(5, W2, T0, { workerId: W2 })],
      [idle, { ...busy, state: "listening" }],
    );
    await retireWorker(world.deps, W1, ended.id);
    expect(await world.stores.workers.get(W1)).toSatisfy(isSpareNow);
  });

  test("and asked to end when there is no such job, or only one behind its gate", async () => {
    const drain = { reason: "surplus", at: T0 };
    expect(await retired()).toMatchObject({ drain });
    const hold = { reason: "environment-gate", message: "", until: undefined } as const;
    expect(await retired(aJob({ id: "gh-6" as Job["id"], hold }))).toMatchObject({ drain });
    expect(await retired(given(5, W2, T0, { workerId: W2 }))).toMatchObject({ drain });
  });

  test("when the look at the others took so long that it says nothing of now", async () => {
    const world: World = await worldOf([ended], [idle], {
      wrapStores: (stores) => ({
        ...stores,
        workers: {
          ...stores.workers,
          async live(pool) {
            world.clock.advance(20_000);
            return stores.workers.live(pool);
          },
        },
      }),
    });
    await retireWorker(world.deps, W1, ended.id);
    expect(await world.stores.workers.get(W1)).toSatisfy(isSpareNow);
    // And at once: the next pass looks again.
    expect((await world.stores.workers.get(W1))?.spareUntil).toBeLessThanOrEqual(world.now());
  });
});
