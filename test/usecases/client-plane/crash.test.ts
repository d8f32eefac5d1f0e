// The process ends at every single effect of a call; the client repeats it, and everything is as if it had been one call.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { JobId } from "../../../shared/domain/ids.ts";
import { endpointName } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { statusOf } from "../../../shared/usecases/client-plane/job-status.ts";
import { purgeQueue } from "../../../shared/usecases/client-plane/purge-queue.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import type { FuseMoment } from "../../fakes/stores/fuse.ts";
import type { ApiWorld } from "./api-world.ts";
import { aCall, createApiWorld, ECHO, end, jobOf, run, start } from "./api-world.ts";

/** Large, so that its parts are effects of their own. */
const CALL = aCall("x".repeat(500_000), { idempotencyKey: "k" });

/** Runs `act` with the process ending at each effect of it in turn, then once more after a restart. */
async function atEveryEffect<Scene extends { world: ApiWorld }>(
  prepare: () => Promise<Scene>,
  act: (scene: Scene) => Promise<unknown>,
  check: (scene: Scene, where: string) => Promise<void>,
): Promise<number> {
  const whole = await prepare();
  const before = whole.world.fuse.count;
  await act(whole);
  const effects = whole.world.fuse.count - before;
  for (const moment of ["before", "after"] satisfies FuseMoment[]) {
    for (let n = 1; n <= effects; n++) {
      const scene = await prepare();
      scene.world.fuse.arm(before + n, moment);
      await expect(act(scene)).rejects.toThrow("the process ended");
      scene.world.restart();
      await act(scene);
      await check(scene, `${moment} effect ${n} of ${effects}`);
    }
  }
  return effects;
}

test("run: one job with its whole input, and a worker for it", async () => {
  const effects = await atEveryEffect(
    async () => ({ world: createApiWorld() }),
    ({ world }) => runJob(world.deps, KEY_CALLER, ECHO, CALL),
    async ({ world }, where) => {
      const open = await world.apiStores.apiJobs.open(ECHO as never, 10);
      expect(open, where).toHaveLength(1);
      await world.settle();
      const job = await jobOf(world, open[0]!.id);
      expect(await world.apiStores.payloads.get(job.api!.input), where).toHaveLength(500_002);
      expect(world.pool.running(), where).toEqual([job.workerId]);
      expect(world.faults, where).toEqual([]);
    },
  );
  expect(effects).toBeGreaterThanOrEqual(3);
});

async function aRunning() {
  const world = createApiWorld();
  const { id } = await run(world, CALL);
  await world.settle();
  await start(world, id);
  return { world, id };
}

test("cancel: cancelled, and its worker let go", async () => {
  await atEveryEffect(
    aRunning,
    ({ world, id }) => cancelJob(world.deps, KEY_CALLER, ECHO, id),
    async ({ world, id }, where) => {
      await world.settle();
      await world.reconcile();
      expect((await jobOf(world, id)).state, where).toBe("CANCELLED");
      expect(world.pool.running(), where).toEqual([]);
      expect(world.faults, where).toEqual([]);
    },
  );
});

test("retry: one more generation, never two, and one worker", async () => {
  await atEveryEffect(
    async () => {
      const scene = await aRunning();
      await end(scene.world, scene.id);
      return scene;
    },
    ({ world, id }) => retryJob(world.deps, KEY_CALLER, ECHO, id),
    async ({ world, id }, where) => {
      await world.settle();
      await world.reconcile();
      const job = await jobOf(world, id);
      expect(job, where).toMatchObject({ state: "IN_QUEUE", api: { generation: 2, retries: 1 } });
      expect(await world.apiStores.payloads.get(job.api!.input), where).toHaveLength(500_002);
      expect(world.pool.running(), where).toEqual([job.workerId]);
      expect(world.faults, where).toEqual([]);
    },
  );
});

type Op = (world: ApiWorld, id: JobId) => Promise<unknown>;

const OPS: { readonly [name: string]: Op } = {
  run: (world) => run(world),
  start,
  end: (world, id) => end(world, id),
  cancel: (world, id) => cancelJob(world.deps, KEY_CALLER, ECHO, id),
  retry: (world, id) => retryJob(world.deps, KEY_CALLER, ECHO, id),
  purge: (world) => purgeQueue(world.deps, KEY_CALLER, ECHO),
  settle: (world) => world.settle(),
};

test("any calls in any order: every job stays to be found, and none is left behind", async () => {
  const step = fc.tuple(fc.constantFrom(...Object.keys(OPS)), fc.nat(5));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const world = createApiWorld({ cards: 2 });
      const ids = [(await run(world)).id];
      for (const [name, which] of steps) {
        const made = await OPS[name]?.(world, ids[which % ids.length]!);
        if (name === "run") ids.push((made as Job).id);
      }
      await world.settle();
      const listed = await world.apiStores.apiJobs.open(endpointName(ECHO), 100);
      const open = new Set(listed.map((job) => job.id));
      for (const id of ids) {
        expect(await statusOf(world.deps, KEY_CALLER, ECHO, id)).toMatchObject({ id });
        expect(open.has(id)).toBe(!isTerminal(await jobOf(world, id)));
      }
      expect(world.pool.overbooked).toEqual([]);
      expect(world.faults).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
