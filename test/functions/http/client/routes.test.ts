// Every other route of the client plane: its good answer and its refusals.
import { describe, expect, test } from "vitest";
import type { ClientWorld } from "./client-world.ts";
import { createClientWorld, ECHO, OTHER_KEY, RUNNER } from "./client-world.ts";

const at = `/v2/${ECHO}`;
/** The first of its lane, in a pool that nobody has asked yet for its cards. */
const QUEUED = {
  status: "IN_QUEUE",
  phase: "queued",
  whyWaiting: {
    code: "about-to-start",
    message: expect.any(String),
    since: expect.any(Number),
    place: 1,
    ahead: 0,
  },
};

describe("status", () => {
  test.each(["GET", "POST"])("%s shows each state", async (method) => {
    const world = await createClientWorld();
    const id = await world.queue();
    const show = async () => (await world.call(method, `${at}/status/${id}`)).body;
    expect(await show()).toEqual({ id, ...QUEUED });
    await world.start(id);
    expect(await show()).toMatchObject({ id, status: "IN_PROGRESS", delayTime: expect.any(Number) });
    await world.end(id, { state: "FAILED", reason: "worker-failed", error: "it broke" });
    expect(await show()).toMatchObject({
      id,
      status: "FAILED",
      error: "it broke",
      executionTime: expect.any(Number),
    });
  });

  test("ttl on the query is taken and means nothing", async () => {
    const world = await createClientWorld();
    const id = await world.queue();
    expect((await world.call("GET", `${at}/status/${id}?ttl=60000`)).status).toBe(200);
  });

  test.each(["unknown", "..%2f..", "%E0%A4%A", "a".repeat(200), "a%00b"])(
    "job %s is not there",
    async (id) => {
      const world = await createClientWorld();
      expect((await world.call("GET", `${at}/status/${id}`)).status).toBe(404);
    },
  );

  test("a job is not there at another endpoint, for another tenant, and after its time", async () => {
    const world = await createClientWorld();
    const id = await world.queue();
    expect((await world.call("GET", `/v2/${RUNNER}/status/${id}`)).status).toBe(404);
    expect((await world.call("GET", `${at}/status/${id}`, { key: OTHER_KEY })).status).toBe(404);
    await world.end(id);
    expect((await world.call("GET", `${at}/status/${id}`)).status).toBe(200);
    world.clock.advance(30 * 60_000);
    expect((await world.call("GET", `${at}/status/${id}`)).status).toBe(404);
  });
});

describe("stream", () => {
  test.each(["GET", "POST"])("%s gives each chunk once, and the state", async (method) => {
    const world = await createClientWorld();
    const id = await world.queue();
    await world.start(id);
    await write(world, id, ["one", { two: 2 }]);
    const first = await world.call(method, `${at}/stream/${id}`);
    expect(first.body).toEqual({
      status: "IN_PROGRESS",
      stream: [{ output: "one" }, { output: { two: 2 } }],
    });
    await world.end(id);
    expect((await world.call(method, `${at}/stream/${id}`)).body).toEqual({
      status: "COMPLETED",
      stream: [],
    });
  });
});

describe("cancel, retry", () => {
  test("a queued job ends, and again is harmless", async () => {
    const world = await createClientWorld();
    const id = await world.queue();
    for (let times = 0; times < 2; times++) {
      expect((await world.call("POST", `${at}/cancel/${id}`)).body).toMatchObject({
        id,
        status: "CANCELLED",
      });
    }
  });

  test("a failed job is queued again under its id; a completed one is not", async () => {
    const world = await createClientWorld();
    const [failed, completed] = [await world.queue(), await world.queue()];
    await world.end(failed, { state: "FAILED", reason: "worker-failed", error: "it broke" });
    await world.end(completed);
    const retried = await world.call("POST", `${at}/retry/${failed}`);
    expect([retried.status, retried.body]).toEqual([200, { id: failed, ...QUEUED }]);
    expect((await world.call("POST", `${at}/retry/${completed}`)).status).toBe(409);
    expect((await world.call("POST", `${at}/retry/unknown`)).status).toBe(404);
  });
});

describe("of an endpoint", () => {
  test("purge-queue ends what is queued and nothing else", async () => {
    const world = await createClientWorld();
    const [queued, running] = [await world.queue(), await world.queue()];
    await world.start(running);
    const { body } = await world.call("POST", `${at}/purge-queue`);
    expect(body).toEqual({ removed: 1, status: "completed" });
    expect((await world.job(queued)).state).toBe("CANCELLED");
    expect((await world.job(running)).state).toBe("IN_PROGRESS");
  });

  test("health has all eleven numbers", async () => {
    const world = await createClientWorld();
    await world.queue();
    const { body } = await world.call("GET", `${at}/health`);
    expect(body).toEqual({
      jobs: { completed: 0, failed: 0, inProgress: 0, inQueue: 1, retried: 0 },
      workers: { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 },
    });
  });

  test("requests lists the caller's open jobs", async () => {
    const world = await createClientWorld();
    const id = await world.queue();
    expect((await world.call("GET", `${at}/requests`)).body).toEqual({
      requests: [{ id, status: "IN_QUEUE" }],
    });
    expect((await world.call("GET", `${at}/requests`, { key: OTHER_KEY })).body).toEqual({ requests: [] });
  });

  test.each([
    ["POST", "run", { input: 1 }],
    ["POST", "runsync", { input: 1 }],
    ["POST", "purge-queue", undefined],
    ["GET", "health", undefined],
    ["GET", "requests", undefined],
  ])("%s %s of an unknown endpoint is 404", async (method, route, body) => {
    const world = await createClientWorld();
    for (const name of ["nowhere", "No%20Where", "%E0%A4%A"]) {
      expect((await world.call(method, `/v2/${name}/${route}`, { body })).status).toBe(404);
    }
  });
});

test("another method is 405 with the one to use", async () => {
  const world = await createClientWorld();
  for (const [method, route, allow] of [
    ["GET", "run", "POST"],
    ["DELETE", "status/x", "GET, POST"],
    ["POST", "health", "GET"],
    ["PUT", "purge-queue", "POST"],
  ] as const) {
    const { status, headers } = await world.call(method, `${at}/${route}`);
    expect([status, headers.get("allow")]).toEqual([405, allow]);
  }
});

test("too many requests are 429 with the time to wait", async () => {
  const world = await createClientWorld();
  const purge = () => world.call("POST", `${at}/purge-queue`);
  expect([(await purge()).status, (await purge()).status]).toEqual([200, 200]);
  const limited = await purge();
  expect([limited.status, Number(limited.headers.get("retry-after"))]).toEqual([429, 11]);
  world.clock.advance(11_000);
  expect((await purge()).status).toBe(200);
});

test("a table that is away is 503, logged once, and not a word of it is in the answer", async () => {
  const world = await createClientWorld();
  world.apiStores.apiKeys.get = () => Promise.reject(new Error("arn:aws:dynamodb:secret-table"));
  const { status, body, headers } = await world.call("GET", `${at}/health`);
  expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
  expect(JSON.stringify(body)).not.toContain("secret-table");
  expect(world.log.of("client-call-failed")).toHaveLength(1);
});

async function write(world: ClientWorld, id: string, chunks: readonly unknown[]): Promise<void> {
  const job = await world.job(id);
  const side = job.api!;
  for (const [index, chunk] of chunks.entries()) {
    await world.apiStores.chunks.put(
      job.id,
      side.generation,
      index + 1,
      JSON.stringify(chunk),
      Number.MAX_SAFE_INTEGER,
    );
  }
  const stream = { ...side.stream, written: chunks.length };
  await world.stores.jobs.replace({ ...job, version: job.version + 1, api: { ...side, stream } });
}

test.each(["GET", "POST"])(
  "%s of OpenAI's routes is a 404 that says what to send instead",
  async (method) => {
    const world = await createClientWorld();
    const { status, body } = await world.call(method, "/v2/echo/openai/v1/chat/completions");
    expect([status, body["detail"]]).toEqual([404, expect.stringContaining("openai_route")]);
  },
);
