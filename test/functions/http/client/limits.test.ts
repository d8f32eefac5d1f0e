// Limits of the client plane grow with the workers that the endpoint has running, and counting those costs next to nothing.
import { describe, expect, test } from "vitest";
import type { WorkerId } from "../../../../shared/domain/ids.ts";
import { endpointName } from "../../../../shared/domain/ids.ts";
import type { Worker } from "../../../../shared/domain/worker/worker.ts";
import { createRunningWorkers } from "../../../../shared/usecases/client-plane/running-workers.ts";
import { aWorker } from "../../../domain/builders.ts";
import type { ClientWorld } from "./client-world.ts";
import { createClientWorld, ECHO } from "./client-world.ts";

let made = 0;

async function addWorkers(world: ClientWorld, count: number, overrides: Partial<Worker> = {}): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = `npud-limit-${++made}` as WorkerId;
    const worker = aWorker({ state: "running", endpoint: endpointName(ECHO), ...overrides, id });
    await world.stores.workers.create(worker);
  }
}

async function admitted(world: ClientWorld): Promise<number> {
  for (let count = 0; ; count++) {
    const { status, headers } = await world.call("GET", `/v2/${ECHO}/requests`);
    if (status === 429) {
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      return count;
    }
  }
}

describe("in 10 s", () => {
  test("an endpoint without workers has RunPod's base of 10 calls of /requests", async () => {
    expect(await admitted(await createClientWorld())).toBe(10);
  });

  test("one with 48 running workers has 12; those of others, that boot or have ended do not count", async () => {
    const world = await createClientWorld();
    await addWorkers(world, 16);
    await addWorkers(world, 16, { state: "booted" });
    await addWorkers(world, 16, { state: "listening" });
    await addWorkers(world, 8, { state: "starting" });
    await addWorkers(world, 8, { state: "finished" });
    await addWorkers(world, 8, { endpoint: endpointName("another") });
    expect(await admitted(world)).toBe(12);
  });
});

test("names of no endpoint share one limit, and leave that of an endpoint alone", async () => {
  const world = await createClientWorld();
  const requests = async (name: string) => (await world.call("GET", `/v2/${name}/requests`)).status;
  for (let number = 0; number < 10; number++) expect(await requests(`made-up-${number}`)).toBe(404);
  expect(await requests("made-up-10")).toBe(429);
  expect(await requests(ECHO)).toBe(200);
});

describe("the count", () => {
  test("is made once a second, however many ask, and never for an endpoint that there is not", async () => {
    const world = await createClientWorld();
    await addWorkers(world, 1);
    let listings = 0;
    const { workers } = world.deps.stores;
    const live: typeof workers.live = (pool) => {
      listings++;
      return workers.live(pool);
    };
    const deps = { ...world.deps, stores: { ...world.deps.stores, workers: { ...workers, live } } };
    const runningWorkers = createRunningWorkers(deps);
    expect(await Promise.all([runningWorkers(ECHO), runningWorkers(ECHO)])).toEqual([1, 1]);
    await addWorkers(world, 1);
    world.clock.advance(4_999);
    expect(await runningWorkers(ECHO)).toBe(1);
    world.clock.advance(1);
    expect(await runningWorkers(ECHO)).toBe(2);
    expect(await runningWorkers("nobodys")).toBe(0);
    expect(listings).toBe(2);
  });

  test("that failed is not kept", async () => {
    const world = await createClientWorld();
    let calls = 0;
    const { workers } = world.deps.stores;
    const live: typeof workers.live = (pool) =>
      ++calls === 1 ? Promise.reject(new Error("the table is away")) : workers.live(pool);
    const deps = { ...world.deps, stores: { ...world.deps.stores, workers: { ...workers, live } } };
    const runningWorkers = createRunningWorkers(deps);
    await expect(runningWorkers(ECHO)).rejects.toThrow("away");
    expect(await runningWorkers(ECHO)).toBe(0);
  });
});
