// A start is made again after its answer was lost, while the worker that it made is on its way: the worker's word counts.
import { describe, expect, test } from "vitest";
import type { StartOutcome } from "../../../shared/ports/pool-driver.ts";
import { resumeStart } from "../../../shared/usecases/dispatch/start-worker.ts";
import { LIMITS, POOL } from "../../domain/builders.ts";
import { apiTemplate, submit } from "../../fakes/api-world.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;

/** The container is there, the record is still `reserving`; the second start takes as long as `meanwhile`. */
async function slowSecondStart(meanwhile: (world: World) => Promise<StartOutcome>) {
  const world = createWorld();
  world.pool.loseNextStart();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  const [first] = world.pool.running();
  if (first === undefined) throw new Error("no container was made");
  const { driver } = world.deps.pools.get(POOL)!;
  const slow = { ...driver, start: () => meanwhile(world) };
  const deps = {
    ...world.deps,
    pools: new Map([[POOL, { name: POOL, driver: slow, maxWorkers: undefined }]]),
  };
  world.clock.advance(31_000);
  const result = await resumeStart(deps, (await world.stores.workers.get(first))!);
  await world.settle();
  return { world, id, first, result };
}

async function steps(world: World, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    world.clock.advance(3_000);
    for (const one of world.workers) await one.step();
    for (const one of world.workers) world.github.assign(one.id);
  }
}

const FAILURES: readonly Exclude<StartOutcome, { type: "started" }>[] = [
  { type: "unavailable", message: "503 from the API server", retryAfterMs: 5_000 },
  { type: "unavailable", message: "exceeded quota", retryAfterMs: 5_000, of: "job" },
  { type: "refused", message: "no such image" },
  { type: "cut-off", message: "the dispatcher ended" },
];

describe.each(FAILURES)("its second start is answered $type: $message", (outcome) => {
  test.each([
    ["boots", 1, "booted"],
    ["runs a job", 5, "running"],
  ])("a worker that %s meanwhile goes on, and its job with it", async (_what, count, state) => {
    const { world, id, first, result } = await slowSecondStart(async (world) => {
      await steps(world, count);
      return outcome;
    });
    expect(result).toBe("started");
    expect((await world.stores.workers.get(first))?.state).toBe(state);
    expect(await jobOf(world, id)).toMatchObject({ workerId: first, failedStarts: 0 });
    expect((await jobOf(world, id)).hold).toBeUndefined();
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect(world.pool.started).toHaveLength(1);
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
  });

  test("one that shows no life is given up, and the job waits again with the pool's words", async () => {
    const { world, id, first, result } = await slowSecondStart(async () => outcome);
    expect(result).toBe("failed");
    expect((await world.stores.workers.get(first))?.state).toBe("released");
    expect(world.log.of("worker-released")).toMatchObject([
      { message: `it was not started: ${outcome.message}` },
    ]);
    expect(world.pool.running()).not.toContain(first);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
  });
});

test("a job that has ended when its start is resumed takes no worker down that runs", async () => {
  const { world, first } = await slowSecondStart(async (world) => {
    await steps(world, 5);
    return { type: "started" };
  });
  const record = (await world.stores.workers.get(first))!;
  const asItWas = {
    ...record,
    state: "reserving" as const,
    jobId: `${record.jobId}0` as typeof record.jobId,
  };
  expect(await resumeStart(world.deps, asItWas)).toBe("claim-lost");
  expect((await world.stores.workers.get(first))?.state).toBe("running");
});

test("the pool's own limit leaves time for all that comes before the job, and for the job", async () => {
  const limits = { ...LIMITS, bootMs: 900_000, idleMs: 7_200_000, executionMs: 21_600_000 };
  const world = createWorld({ templates: [apiTemplate("runner", limits)] });
  await submit(world);
  await world.settle();
  expect(world.pool.started[0]?.limitMs).toBe(900_000 + 300_000 + 7_200_000 + 21_600_000);
});
