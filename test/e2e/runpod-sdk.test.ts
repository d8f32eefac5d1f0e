// RunPod's own JavaScript client, unmodified, against a real server with real worker processes: only its base URL is
// changed.
import runpodSdk from "runpod-sdk";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ApiServer } from "./api-server.ts";
import { API_KEY, PARKED, PROGRAM, startApiServer } from "./api-server.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.dispose());

function endpoint(name: string, key = API_KEY) {
  const found = runpodSdk(key, { baseUrl: `${server.url}/v2` }).endpoint(name);
  if (found === null) throw new Error("no endpoint");
  return found;
}

async function ended(name: string, id: string) {
  return await endpoint(name).statusSync(id, 20_000);
}

test("run, then status until it has ended", async () => {
  const started = await endpoint(PROGRAM).run({ input: { echo: { answer: 42 } } });
  expect(started).toEqual({ id: expect.stringMatching(/-e1$/), status: "IN_QUEUE" });
  expect(await ended(PROGRAM, started.id)).toMatchObject({ status: "COMPLETED", completed: true });
  expect(await endpoint(PROGRAM).status(started.id)).toEqual({
    id: started.id,
    status: "COMPLETED",
    delayTime: expect.any(Number),
    executionTime: expect.any(Number),
    workerId: expect.stringMatching(/^npud-/),
    output: { echo: { answer: 42 } },
    endReason: "succeeded",
    endClass: "success",
    started: true,
    completed: true,
    succeeded: true,
  });
});

test("five at once for a warm program: each ends, with its own output", async () => {
  await endpoint(PROGRAM).runSync({ input: { echo: "warm" } }, 20_000);
  const numbers = [1, 2, 3, 4, 5];
  const started = await Promise.all(numbers.map((echo) => endpoint(PROGRAM).run({ input: { echo } })));
  const ends = await Promise.all(started.map(({ id }) => ended(PROGRAM, id)));
  expect(ends).toMatchObject(numbers.map((echo) => ({ status: "COMPLETED", output: { echo } })));
});

test("runSync waits for the result", async () => {
  const done = await endpoint(PROGRAM).runSync({ input: { echo: "now", sleepMs: 300 } }, 20_000);
  expect(done).toMatchObject({ status: "COMPLETED", output: { echo: "now" }, succeeded: true });
});

test("runSync says what failed", async () => {
  const done = await endpoint(PROGRAM).runSync({ input: { fail: "the handler raised" } }, 20_000);
  expect(done).toMatchObject({ status: "FAILED", error: "the handler raised", succeeded: false });
});

test("runSync that is not served in its time gives up, having asked a few times and not a thousand", async () => {
  const calls = vi.spyOn(globalThis, "fetch");
  const startedAt = performance.now();
  const done = await endpoint(PARKED).runSync({ input: {} }, 1_500);
  expect(done).toMatchObject({ status: "IN_QUEUE", completed: false });
  expect(performance.now() - startedAt).toBeGreaterThan(1_500);
  expect(calls.mock.calls.length).toBeGreaterThan(1);
  expect(calls.mock.calls.length).toBeLessThan(5);
});

test("stream yields each chunk once, in order, and ends", async () => {
  const chunks = ["one", { two: 2 }, ["three"]];
  const { id } = await endpoint(PROGRAM).run({ input: { chunks, pauseMs: 50 } });
  const outputs: unknown[] = [];
  for await (const { output } of endpoint(PROGRAM).stream(id)) outputs.push(output);
  expect(outputs).toEqual(chunks);
});

test("stream of a failed job ends too", async () => {
  const { id } = await endpoint(PROGRAM).run({ input: { fail: "no stream" } });
  const outputs: unknown[] = [];
  for await (const chunk of endpoint(PROGRAM).stream(id)) outputs.push(chunk);
  expect(outputs).toEqual([]);
});

describe("cancel", () => {
  test("of a queued job, and once more", async () => {
    const { id } = await endpoint(PARKED).run({ input: {} });
    expect(await endpoint(PARKED).cancel(id)).toMatchObject({ id, status: "CANCELLED" });
    expect(await endpoint(PARKED).cancel(id)).toMatchObject({ id, status: "CANCELLED" });
    expect(await endpoint(PARKED).status(id)).toMatchObject({ status: "CANCELLED", completed: true });
  });

  test("of a running job ends its worker", async () => {
    const { id } = await endpoint(PROGRAM).run({ input: { progress: "begun", sleepMs: 60_000 } });
    const show = async () => (await endpoint(PROGRAM).status(id)) as { output?: unknown; workerId?: string };
    await expect.poll(async () => (await show()).output, { timeout: 20_000 }).toBe("begun");
    const { workerId } = await show();
    expect(await endpoint(PROGRAM).cancel(id)).toMatchObject({ id, status: "CANCELLED" });
    const alive = async () => {
      const ids = await Promise.all([...server.deps.pools.values()].map(({ driver }) => driver.list()));
      return ids.flat().some((one) => one === workerId);
    };
    await expect.poll(alive, { timeout: 20_000 }).toBe(false);
  });
});

test("health counts jobs and workers", async () => {
  const { id } = await endpoint(PARKED).run({ input: {} });
  const health = await endpoint(PARKED).health();
  expect(health.jobs).toMatchObject({ inProgress: 0, failed: 0 });
  expect(health.jobs.inQueue).toBeGreaterThan(0);
  expect(Object.keys(health.workers).sort((a, b) => a.localeCompare(b))).toEqual([
    "idle",
    "initializing",
    "ready",
    "running",
    "throttled",
    "unhealthy",
  ]);
  await endpoint(PARKED).cancel(id);
});

test("purgeQueue removes what is queued", async () => {
  const ids: string[] = [];
  for (let times = 0; times < 3; times++) ids.push((await endpoint(PARKED).run({ input: {} })).id);
  const purged = (await endpoint(PARKED).purgeQueue()) as unknown;
  expect(purged).toMatchObject({ removed: expect.any(Number), status: "completed" });
  for (const id of ids) expect(await endpoint(PARKED).status(id)).toMatchObject({ status: "CANCELLED" });
  await expect.poll(async () => (await endpoint(PARKED).health()).jobs.inQueue, { timeout: 5_000 }).toBe(0);
});

test("a wrong key and an unknown job are errors with their status", async () => {
  const wrong = endpoint(PROGRAM, `npud_${"f".repeat(40)}`).health();
  await expect(wrong).rejects.toMatchObject({ response: { status: 401 } });
  await expect(endpoint(PROGRAM).status("unknown")).rejects.toMatchObject({ response: { status: 404 } });
});
