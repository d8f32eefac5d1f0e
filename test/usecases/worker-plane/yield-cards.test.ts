// A program that goes from job to job of its tenant, and another tenant that waits for its cards.
import { describe, expect, test } from "vitest";
import type { TenantSettings } from "../../../shared/domain/admission/tenant.ts";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import { aTemplate, POOL } from "../../domain/builders.ts";
import { apiTemplate, submit } from "../../fakes/api-world.ts";
import { jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";
import { pause } from "../operator-plane/operator-world.ts";

const MINUTE_MS = 60_000;
const BETA: TenantSettings = { ...ACME, owner: "Beta" };
const BETAS = { id: 99, owner: { id: 5000, login: "Beta", type: "Organization" as const }, name: "r" };

function worldOf(cards: number, tenants: readonly TenantSettings[] = [ACME, BETA]): World {
  const templates = [apiTemplate("program"), aTemplate()];
  return createWorld({
    cards,
    templates,
    tenants,
    script: { program: { jobMs: MINUTE_MS }, jobMs: 10 * MINUTE_MS },
  });
}

/** Acme sends a job a minute, so that its programs are never done; answers the workers that it has had. */
async function busy(world: World, forMs: number, perMinute: number, until?: () => Promise<boolean>) {
  const begin = world.now();
  const had = new Set<WorkerId>();
  let sent = 0;
  const eachStep = async () => {
    const due = ((world.now() - begin) / MINUTE_MS + 1) * perMinute;
    for (; sent < due; sent++) await submit(world);
    await world.settle();
    for (const { id, kind } of await world.stores.workers.live(POOL)) if (kind === "program") had.add(id);
  };
  await play(world, { forMs, stepMs: 10_000, eachStep, ...(until && { until }) });
  expect(world.faults).toEqual([]);
  return { had, tookMs: world.now() - begin };
}

const hasStarted = (world: World, id: number) => async () => (await jobOf(world, id)).workerId !== undefined;

describe("a program whose lane is never empty", () => {
  test("gives its only card to another tenant's job when its own job is done", async () => {
    const world = worldOf(1);
    await busy(world, 5 * MINUTE_MS, 2);
    const { workflowJobId: id } = world.github.queue({ repository: BETAS, name: "b" });
    await world.deliver();
    const { tookMs } = await busy(world, 60 * MINUTE_MS, 2, hasStarted(world, id));
    expect(await hasStarted(world, id)()).toBe(true);
    expect(tookMs).toBeLessThanOrEqual(3 * MINUTE_MS);
    expect(world.log.of("worker-dismissed")).toMatchObject([
      { reason: expect.stringMatching(/^(yields|makes-way)$/) },
    ]);
  });

  test.each(["is not admitted", "is paused"])("keeps it where who waits %s", async (why) => {
    const isAdmitted = why === "is paused";
    const world = worldOf(1, isAdmitted ? [ACME, BETA] : [ACME]);
    if (isAdmitted) await pause(world, { tenant: "5000" });
    world.github.queue({ repository: BETAS, name: "b" });
    await world.deliver();
    const { had } = await busy(world, 20 * MINUTE_MS, 2);
    expect(had.size).toBe(1);
  });

  test("keeps its card while its tenant holds no more than its part", async () => {
    const world = worldOf(4);
    for (let n = 0; n < 12; n++) world.github.queue({ repository: BETAS, name: `b${n}` });
    const { had } = await busy(world, 30 * MINUTE_MS, 8);
    const held = Object.values((await poolOf(world))?.reservations ?? {});
    expect(held.filter(({ tenant }) => tenant !== "5000").length).toBeGreaterThanOrEqual(2);
    expect(had.size).toBeLessThanOrEqual(4);
  });
});

test.each([
  [4, "goes on"],
  [6, "ends"],
])("a program %s min after a job of its tenant's other endpoint came %s", async (minutes, what) => {
  const other = aTemplate({ ...apiTemplate("program"), name: "whisper", selector: "whisper", labels: [] });
  const templates = [apiTemplate("program"), other];
  const world = createWorld({ cards: 1, templates, script: { program: { jobMs: MINUTE_MS } } });
  await submit(world);
  await world.settle();
  await world.step();
  const waits = await submit(world, { endpoint: "whisper" });
  await world.settle();
  world.clock.advance(minutes * MINUTE_MS);
  const next = await submit(world);
  await world.step();
  await world.step();
  const hasBegun = async (id: JobId) => (await world.stores.jobs.get(id))?.phases.starting !== undefined;
  expect(await hasBegun(waits)).toBe(what === "ends");
  expect((await world.stores.jobs.get(next))?.state).toBe(what === "ends" ? "IN_QUEUE" : "IN_PROGRESS");
});

test("an idle program is not given a job that comes after another tenant's", async () => {
  const world = worldOf(1);
  await submit(world);
  await world.settle();
  await play(world, { forMs: 2 * MINUTE_MS });
  expect(world.pool.running()).toHaveLength(1);
  const { workflowJobId: id } = world.github.queue({ repository: BETAS, name: "b" });
  await world.deliver();
  world.clock.advance(1_000);
  await submit(world);
  await world.settle();
  expect(await hasStarted(world, id)()).toBe(true);
});
