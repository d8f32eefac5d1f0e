// Jobs that arrive together at warm programs, whose calls, changes and passes meet in every order: none is lost or runs
// twice.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { handleChange } from "../../../shared/usecases/handle-change.ts";
import { reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { receiveResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { POOL } from "../../domain/builders.ts";
import { apiJobOf, programWorld, submit } from "../../fakes/api-world.ts";
import type { FuseMoment } from "../../fakes/stores/fuse.ts";
import type { World } from "../../fakes/world.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const JOB_MS = 20 * SECOND_MS;

/** Each call of a store waits for its turn, once there is somebody who gives the turns. */
type Turns = { give: (<T>(what: Promise<T>) => Promise<T>) | undefined };

function taking(turns: Turns, stores: Stores): Stores {
  const wrap = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          await turns.give?.(Promise.resolve());
          return value.apply(target, args);
        };
      },
    });
  return { ...stores, jobs: wrap(stores.jobs), workers: wrap(stores.workers), pools: wrap(stores.pools) };
}

async function warmWorld(programs: number, turns: Turns): Promise<{ world: World; warm: WorkerId[] }> {
  const world = programWorld({
    cards: programs,
    wrapStores: (stores) => taking(turns, stores),
    script: { program: { jobMs: JOB_MS } },
  });
  for (let n = 0; n < programs; n++) await submit(world);
  await world.settle();
  await playOn(world, 2 * 60 * SECOND_MS);
  const warm = world.pool.running();
  expect(warm).toHaveLength(programs);
  return { world, warm };
}

/** Steps of programs, and a pass each minute. */
async function playOn(world: World, forMs: number, until = async () => false): Promise<void> {
  for (let ms = 0; ms < forMs && !(await until()); ms += 10 * SECOND_MS) {
    world.clock.advance(10 * SECOND_MS);
    if (world.fuse.blown) world.restart();
    await world.step();
    if (ms % (60 * SECOND_MS) === 0) await world.reconcile();
  }
}

async function jobsOf(world: World, ids: readonly JobId[]): Promise<Job[]> {
  return Promise.all(ids.map((id) => apiJobOf(world, id)));
}

/** Each one has ended with what was computed for it. */
async function expectDone(world: World, ids: readonly JobId[]): Promise<void> {
  await playOn(world, HOUR_MS, async () => (await jobsOf(world, ids)).every(isTerminal));
  const jobs = await jobsOf(world, ids);
  const shown = jobs.map(({ state, workerId, end }) => ({ state, workerId, end: end?.reason }));
  expect(shown).toEqual(ids.map(() => expect.objectContaining({ state: "COMPLETED", end: "succeeded" })));
  for (const { id, api } of jobs) expect(api?.output).toMatchObject({ json: `{"of":"${id}"}` });
  expect(world.faults).toEqual([]);
}

test("five at once for one warm program, their changes side by side", async () => {
  const { world } = await warmWorld(1, { give: undefined });
  world.stream = "side-by-side";
  const ids = await Promise.all(Array.from({ length: 5 }, () => submit(world)));
  await world.settle();
  const bound = (await jobsOf(world, ids)).filter(({ workerId }) => workerId !== undefined);
  expect(bound).toHaveLength(1);
  await expectDone(world, ids);
});

test("500 for four warm programs", async () => {
  const { world } = await warmWorld(4, { give: undefined });
  world.stream = "side-by-side";
  const ids = await Promise.all(Array.from({ length: 500 }, () => submit(world)));
  await world.settle();
  await playOn(world, 3 * HOUR_MS, async () => (await jobsOf(world, ids)).every(isTerminal));
  await expectDone(world, ids);
  expect(world.pool.started.length).toBeLessThanOrEqual(8);
}, 60_000);

type Move =
  | { readonly type: "change"; readonly job: number }
  | { readonly type: "ask"; readonly program: number }
  | { readonly type: "pass" };

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("change" as const), job: fc.nat({ max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("ask" as const), program: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("pass" as const) }) },
);

const crash = fc.option(
  fc.record({ n: fc.integer({ min: 1, max: 40 }), moment: fc.constantFrom<FuseMoment>("before", "after") }),
  { nil: undefined },
);

describe("in any order", () => {
  test("changes, asks and passes of five jobs and two programs, with a crash or without", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(move, { minLength: 3, maxLength: 12 }),
        crash,
        async (scheduler, moves, end) => {
          const turns: Turns = { give: undefined };
          const { world, warm } = await warmWorld(2, turns);
          world.stream = "lost";
          const ids = await Promise.all(Array.from({ length: 5 }, () => submit(world)));
          if (end !== undefined) world.fuse.arm(world.fuse.count + end.n, end.moment);
          turns.give = (what) => scheduler.schedule(what);
          const calls = moves.map((one) => playMove(world, one, { ids, warm }));
          await scheduler.waitFor(Promise.allSettled(calls));
          turns.give = undefined;
          await scheduler.waitIdle();
          if (world.fuse.blown) world.restart();
          world.stream = "in-order";
          await expectDone(world, ids);
        },
      ),
      { numRuns: 150 },
    );
  }, 120_000);
});

async function playMove(
  world: World,
  { type, ...rest }: Move,
  { ids, warm }: { readonly ids: readonly JobId[]; readonly warm: readonly WorkerId[] },
): Promise<unknown> {
  const { deps } = world;
  if (type === "pass") return reconcile(deps);
  if (type === "change") {
    const job = await world.stores.jobs.get(ids[(rest as { job: number }).job] as JobId);
    return job && handleChange(deps, { kind: "job", job });
  }
  const id = warm[(rest as { program: number }).program] as WorkerId;
  const outcome = await giveJob(deps, id, { bootId: "sdk", inProgress: false });
  if (outcome.type === "given")
    await receiveResult(deps, id, outcome.jobId, { output: { of: outcome.jobId } });
  return (await world.stores.workers.live(POOL)).length;
}
