// Cancel, retry, purge, health and requests, as a client sees them.
import { describe, expect, test } from "vitest";
import type { JobId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { inlinePayload } from "../../../shared/domain/job/payload.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { createHealthOf } from "../../../shared/usecases/client-plane/endpoint-health.ts";
import { listRequests } from "../../../shared/usecases/client-plane/list-requests.ts";
import { purgeQueue } from "../../../shared/usecases/client-plane/purge-queue.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { dismissWorker } from "../../../shared/usecases/ending/dismiss-worker.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import type { ApiWorld } from "./api-world.ts";
import { aCall, createApiWorld, ECHO, end, FAILED, jobOf, RUNNER, run, start } from "./api-world.ts";

const COMPLETED = { state: "COMPLETED", reason: "succeeded", message: "returned" } as const;
const BEFORE = { endReason: "cancelled-before-pickup", endClass: "user" };

describe("cancel", () => {
  test("ends a queued and a running job, and is a harmless repeat afterwards", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    expect(await cancelJob(world.deps, KEY_CALLER, ECHO, id)).toEqual({ id, status: "CANCELLED", ...BEFORE });
    const ended = await jobOf(world, id);
    expect(ended.end).toMatchObject({ reason: "cancelled-before-pickup" });
    expect(await cancelJob(world.deps, KEY_CALLER, ECHO, id)).toEqual({ id, status: "CANCELLED", ...BEFORE });
    expect(await jobOf(world, id)).toEqual(ended);
    const running = await run(world);
    await start(world, running.id);
    world.clock.advance(7);
    expect(await cancelJob(world.deps, KEY_CALLER, ECHO, running.id)).toEqual({
      id: running.id,
      status: "CANCELLED",
      delayTime: 0,
      executionTime: 7,
      endReason: "cancelled",
      endClass: "user",
    });
  });

  test("of a failed job tells how it failed", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    await end(world, id);
    expect(await cancelJob(world.deps, KEY_CALLER, ECHO, id)).toMatchObject({
      status: "FAILED",
      error: "raised",
    });
  });
});

describe("retry", () => {
  test("queues the same job with the same input as a new generation, and it is counted", async () => {
    const world = createApiWorld();
    const input = "x".repeat(50_000);
    const { id } = await run(world, aCall(input));
    await end(world, id, { ...FAILED, output: inlinePayload("1") });
    expect(await retryJob(world.deps, KEY_CALLER, ECHO, id)).toEqual({
      type: "retried",
      status: { id, status: "IN_QUEUE", phase: "queued", whyWaiting: expect.any(Object) },
    });
    const job = await jobOf(world, id);
    expect(job.api).toMatchObject({ generation: 2, retries: 1 });
    expect(job.api?.output).toBeUndefined();
    expect(await world.apiStores.payloads.get(job.api!.input)).toBe(JSON.stringify(input));
    expect((await createHealthOf(world.deps)(KEY_CALLER, ECHO))?.jobs).toMatchObject({
      retried: 1,
      inQueue: 1,
    });
  });

  test("lets the worker of the first life go and gets one of its own", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    await world.settle();
    const { workerId: first } = await jobOf(world, id);
    await end(world, id, { ...FAILED, state: "TIMED_OUT" });
    await retryJob(world.deps, KEY_CALLER, ECHO, id);
    await world.settle();
    const { workerId: second } = await jobOf(world, id);
    expect(first).toBeDefined();
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
    expect(world.pool.running()).toEqual([second]);
    expect(world.faults).toEqual([]);
  });

  test.each([
    ["is queued", async () => {}, "it is IN_QUEUE"],
    ["has completed", (world: ApiWorld, { id }: Job) => end(world, id, COMPLETED), "it is COMPLETED"],
  ] as const)("is refused to one that %s", async (_name, before, message) => {
    const world = createApiWorld();
    const job = await run(world);
    await before(world, job);
    const outcome = await retryJob(world.deps, KEY_CALLER, ECHO, job.id);
    expect(outcome).toMatchObject({ type: "refused", message: expect.stringContaining(message) });
  });

  test("is refused once its PAT is erased, and possible where the App registers", async () => {
    const world = createApiWorld();
    const input = { github_pat: "ghp_x", github_org: "globex" };
    const withPat = await run(world, aCall(input), { endpoint: RUNNER });
    const without = await run(world, aCall({}), { endpoint: RUNNER });
    await end(world, withPat.id);
    await end(world, without.id);
    const outcome = await retryJob(world.deps, KEY_CALLER, RUNNER, withPat.id);
    expect(outcome).toMatchObject({ type: "refused", message: expect.stringContaining("github_pat") });
    expect((await retryJob(world.deps, KEY_CALLER, RUNNER, without.id))?.type).toBe("retried");
  });

  test("is refused when the input is gone, and to the second of two", async () => {
    const world = createApiWorld();
    const lost = await run(world, aCall("x".repeat(50_000)));
    await end(world, lost.id);
    await world.apiStores.payloads.remove(lost.api!.input);
    expect(await retryJob(world.deps, KEY_CALLER, ECHO, lost.id)).toMatchObject({ type: "refused" });
    const { id } = await run(world);
    await end(world, id);
    const two = [1, 2].map(() => retryJob(world.deps, KEY_CALLER, ECHO, id));
    expect((await Promise.all(two)).map((outcome) => outcome?.type).sort()).toEqual(["refused", "retried"]);
    expect((await jobOf(world, id)).api?.generation).toBe(2);
  });
});

describe("the queue", () => {
  test("is purged of 1,000 jobs in one call, but not of those that run", async () => {
    const world = createApiWorld();
    const running = await run(world);
    await start(world, running.id);
    for (let n = 0; n < 1_000; n++) await run(world, aCall({ n }));
    const other = await run(world, aCall({}), { endpoint: RUNNER });
    expect(await purgeQueue(world.deps, KEY_CALLER, ECHO)).toEqual({ removed: 1_000 });
    expect(await purgeQueue(world.deps, KEY_CALLER, ECHO)).toEqual({ removed: 0 });
    expect((await jobOf(world, running.id)).state).toBe("IN_PROGRESS");
    expect((await jobOf(world, other.id)).state).toBe("IN_QUEUE");
  });

  test("is listed with what waits and runs", async () => {
    const world = createApiWorld();
    const one = await run(world);
    world.clock.advance(1);
    const two = await run(world);
    await start(world, one.id);
    const { requests } = (await listRequests(world.deps, KEY_CALLER, ECHO)) ?? {};
    expect(requests).toEqual([
      { id: one.id, status: "IN_PROGRESS", delayTime: 1 },
      { id: two.id, status: "IN_QUEUE" },
    ]);
  });
});

describe("health", () => {
  test("has all eleven counters", async () => {
    const world = createApiWorld({ cards: 2 });
    for (let n = 0; n < 3; n++) await run(world, aCall({ n }));
    world.clock.advance(1);
    await run(world, aCall({}), { endpoint: RUNNER });
    await world.settle();
    await world.apiStores.counts.add(ECHO as never, "completed");
    await world.apiStores.counts.add(ECHO as never, "failed");
    expect(await createHealthOf(world.deps)(KEY_CALLER, ECHO)).toEqual({
      jobs: { completed: 1, failed: 1, inProgress: 0, inQueue: 3, retried: 0 },
      workers: { idle: 0, initializing: 2, ready: 0, running: 0, throttled: 0, unhealthy: 0 },
    });
  });

  test("tells workers that run, wait and are lost, and a pool that takes no more", async () => {
    const world = createApiWorld({ cards: 3 });
    const jobs = [await run(world), await run(world), await run(world)];
    await world.settle();
    await run(world);
    const states = ["booted", "booted", "lost"] as const;
    for (const [index, { id }] of jobs.entries()) {
      const worker = await world.stores.workers.get((await jobOf(world, id)).workerId!);
      await world.stores.workers.replace({ ...worker!, version: worker!.version + 1, state: states[index]! });
    }
    await start(world, jobs[0]!.id);
    const pool = await world.stores.pools.get("a2" as never);
    await world.stores.pools.replace({
      ...pool!,
      version: pool!.version + 1,
      unavailableUntil: world.now() + 1,
    });
    expect(await createHealthOf(world.deps)(KEY_CALLER, ECHO)).toMatchObject({
      jobs: { inProgress: 1, inQueue: 3 },
      workers: { idle: 1, ready: 1, running: 1, initializing: 0, unhealthy: 1, throttled: 1 },
    });
  });

  test("does not call unhealthy what ends since its job was cancelled", async () => {
    const world = createApiWorld({ cards: 1 });
    const { id } = await run(world);
    await world.settle();
    const { workerId } = await jobOf(world, id);
    await cancelJob(world.deps, KEY_CALLER, ECHO, id);
    await dismissWorker(world.deps, (await world.stores.workers.get(workerId!))!, await jobOf(world, id));
    expect(await world.stores.workers.get(workerId!)).toMatchObject({ state: "lost" });
    expect((await createHealthOf(world.deps)(KEY_CALLER, ECHO))?.workers).toEqual({
      idle: 0,
      initializing: 0,
      ready: 0,
      running: 0,
      throttled: 0,
      unhealthy: 0,
    });
  });

  test("is counted once for all who ask within a second, and reads no job that waits", async () => {
    const world = createApiWorld({ cards: 1 });
    for (let n = 0; n < 30; n++) await run(world, aCall({ n }));
    await world.settle();
    let reads = 0;
    const get = (id: JobId) => {
      reads++;
      return world.stores.jobs.get(id);
    };
    const jobs = { ...world.stores.jobs, get };
    const healthOf = createHealthOf({ ...world.deps, stores: { ...world.stores, jobs } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => healthOf(KEY_CALLER, ECHO)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]?.jobs.inQueue).toBe(30);
    expect(reads).toBe(1);
    await run(world);
    world.clock.advance(999);
    expect((await healthOf(KEY_CALLER, ECHO))?.jobs.inQueue).toBe(30);
    world.clock.advance(1);
    expect((await healthOf(KEY_CALLER, ECHO))?.jobs.inQueue).toBe(31);
  });

  test("a count that fails is nobody's answer but theirs who wait for it", async () => {
    const world = createApiWorld();
    let calls = 0;
    const live: typeof world.stores.workers.live = (pool) =>
      ++calls === 1 ? Promise.reject(new Error("the store is down")) : world.stores.workers.live(pool);
    const stores = { ...world.stores, workers: { ...world.stores.workers, live } };
    const healthOf = createHealthOf({ ...world.deps, stores });
    await expect(healthOf(KEY_CALLER, ECHO)).rejects.toThrow("the store is down");
    expect((await healthOf(KEY_CALLER, ECHO))?.jobs.inQueue).toBe(0);
  });

  test("and the other calls know no endpoint that is not there", async () => {
    const { deps } = createApiWorld();
    expect(await createHealthOf(deps)(KEY_CALLER, "nope")).toBeUndefined();
    expect(await purgeQueue(deps, KEY_CALLER, "nope")).toBeUndefined();
    expect(await listRequests(deps, KEY_CALLER, "nope")).toBeUndefined();
  });
});
