// A warm program without a job, in whose place another job could run.
import { describe, expect, test } from "vitest";
import type { EndpointTemplate } from "../../../shared/domain/admission/endpoint.ts";
import type { JobId } from "../../../shared/domain/ids.ts";
import { aTemplate, LIMITS, POOL } from "../../domain/builders.ts";
import { apiTemplate, submit } from "../../fakes/api-world.ts";
import { jobOf, play } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";
import { pause } from "../operator-plane/operator-world.ts";

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
const OTHER = "whisper";

function otherTemplate(cards: number): EndpointTemplate {
  return aTemplate({ ...apiTemplate("program"), name: OTHER, selector: OTHER, labels: [], cards });
}

/** Two endpoints of programs and one of GitHub's, in one pool, with `warm` idle programs of the first. */
async function warmWorld({
  warm = 1,
  cards = 1,
  ...options
}: WorldOptions & { warm?: number; cards?: number }) {
  const templates = [apiTemplate("program"), otherTemplate(cards), aTemplate()];
  const world = createWorld({
    templates,
    script: { program: { jobMs: SECOND_MS } },
    cards: warm,
    ...options,
  });
  for (let n = 0; n < warm; n++) await submit(world);
  await world.settle();
  await play(world, { forMs: 10 * SECOND_MS, stepMs: SECOND_MS });
  expect(await idlePrograms(world)).toBe(warm);
  return world;
}

async function idlePrograms(world: World): Promise<number> {
  return (await world.stores.workers.live(POOL)).filter(({ state }) => state === "listening").length;
}

async function runsWithin(world: World, id: JobId, ms: number): Promise<boolean> {
  const runs = async () => (await world.stores.jobs.get(id))?.phases.starting !== undefined;
  await play(world, { forMs: ms, stepMs: SECOND_MS, until: runs });
  expect(world.faults).toEqual([]);
  return runs();
}

describe("an idle program makes way for", () => {
  test("a job of another endpoint of its tenant, where cards are used up", async () => {
    const world = await warmWorld({});
    const id = await submit(world, { endpoint: OTHER });
    expect(await runsWithin(world, id, 10 * SECOND_MS)).toBe(true);
    expect(world.log.of("worker-dismissed")).toMatchObject([{ reason: "makes-way" }]);
  });

  test("one where maxWorkers is used up, and the tenant's own", async () => {
    for (const options of [
      { cards: 8, maxWorkers: 1 },
      { cards: 8, tenants: [{ ...ACME, maxWorkers: 1 }] },
    ]) {
      const world = await warmWorld({ ...options, cards: 1 });
      const id = await submit(world, { endpoint: OTHER });
      expect(await runsWithin(world, id, 10 * SECOND_MS)).toBe(true);
    }
  });

  test("a workflow job", async () => {
    const world = await warmWorld({});
    const { workflowJobId } = world.github.queue({ name: "b" });
    await world.deliver();
    const { id } = await jobOf(world, workflowJobId);
    expect(await runsWithin(world, id, 10 * SECOND_MS)).toBe(true);
  });

  test("a larger job, with as many others as that needs and no more", async () => {
    const world = await warmWorld({ warm: 4, cards: 2 });
    const id = await submit(world, { endpoint: OTHER });
    expect(await runsWithin(world, id, 20 * SECOND_MS)).toBe(true);
    expect(world.log.of("worker-dismissed")).toHaveLength(2);
    expect(await idlePrograms(world)).toBe(2);
  });

  test("a job that was there before it was idle, when it asks for its next", async () => {
    const world = createWorld({
      templates: [apiTemplate("program"), otherTemplate(1)],
      script: { program: { jobMs: MINUTE_MS } },
      cards: 1,
    });
    await submit(world);
    await world.settle();
    const id = await submit(world, { endpoint: OTHER });
    await world.settle();
    expect(await runsWithin(world, id, 70 * SECOND_MS)).toBe(true);
  });
});

describe("an idle program stays where", () => {
  test("its own endpoint's job comes", async () => {
    const world = await warmWorld({});
    const id = await submit(world);
    await world.settle();
    await play(world, { forMs: 20 * SECOND_MS, stepMs: SECOND_MS });
    expect((await world.stores.jobs.get(id))?.state).toBe("COMPLETED");
    expect(world.workers).toHaveLength(1);
  });

  test("the job would not fit in its place", async () => {
    const world = await warmWorld({ warm: 1, cards: 2 });
    await submit(world, { endpoint: OTHER });
    await world.settle();
    await play(world, { forMs: MINUTE_MS, stepMs: SECOND_MS });
    expect(await idlePrograms(world)).toBe(1);
  });

  test("whoever waits is paused", async () => {
    const world = await warmWorld({});
    await pause(world, { endpoint: OTHER });
    await submit(world, { endpoint: OTHER });
    await world.settle();
    await play(world, { forMs: MINUTE_MS, stepMs: SECOND_MS });
    expect(await idlePrograms(world)).toBe(1);
  });
});

test("limits.warm is how long a program stays without a job, whatever a runner may wait", async () => {
  const limits = { ...LIMITS, idleMs: MINUTE_MS, warmMs: 10 * MINUTE_MS };
  const world = createWorld({
    templates: [apiTemplate("program", limits)],
    script: { program: { jobMs: SECOND_MS } },
    cards: 1,
  });
  await submit(world);
  await world.settle();
  await play(world, { forMs: 9 * MINUTE_MS });
  expect(await idlePrograms(world)).toBe(1);
  await play(world, { forMs: 2 * MINUTE_MS });
  expect(world.pool.running()).toHaveLength(0);
});
