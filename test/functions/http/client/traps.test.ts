// Where clients written for RunPod break, one test each: over real sockets, as they call.
import { request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { listen } from "../http-world.ts";
import type { ClientWorld, ClientWorldOptions } from "./client-world.ts";
import { createClientWorld, ECHO, HOLD_MS, KEY } from "./client-world.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(options: ClientWorldOptions = {}): Promise<{ world: ClientWorld; url: string }> {
  const world = await createClientWorld(options);
  const server = await listen(world.app);
  closing.push(server.close);
  return { world, url: `${server.url}/v2/${ECHO}` };
}

const json = { "content-type": "application/json" };
const headers = { authorization: `Bearer ${KEY}`, ...json };

describe("authorization", () => {
  test.each([`Bearer ${KEY}`, `bearer ${KEY}`, KEY])("as %.10s…", async (authorization) => {
    const { url } = await serve();
    expect((await fetch(`${url}/health`, { headers: { authorization } })).status).toBe(200);
  });
});

test("trap 3: cancel and purge-queue take a JSON content type with nothing behind it, or {}", async () => {
  const { world, url } = await serve();
  const id = await world.queue();
  for (const body of [undefined, "", "{}"]) {
    const init = { method: "POST", headers, ...(body === undefined ? {} : { body }) };
    expect((await fetch(`${url}/cancel/${id}`, init)).status).toBe(200);
  }
  for (const body of ["", "{}"]) {
    expect((await fetch(`${url}/purge-queue`, { method: "POST", headers, body })).status).toBe(200);
  }
});

test("trap 4: every success is exactly 200", async () => {
  const { world, url } = await serve();
  const id = await world.queue();
  await world.end(id, { state: "FAILED", reason: "worker-failed", error: "x" });
  const body = '{"input":{}}';
  for (const [method, route] of [
    ["POST", "run"],
    ["POST", "runsync"],
    ["GET", `status/${id}`],
    ["GET", `status-sync/${id}`],
    ["GET", `stream/${id}`],
    ["POST", `retry/${id}`],
    ["POST", `cancel/${id}`],
    ["POST", "purge-queue"],
    ["GET", "health"],
    ["GET", "requests"],
  ] as const) {
    const response = await fetch(`${url}/${route}`, { method, headers, ...(method === "POST" && { body }) });
    expect([route, response.status]).toEqual([route, 200]);
  }
});

test("trap 5: status-sync holds while the job goes on, so that a client in a loop does not spin", async () => {
  const { world, url } = await serve();
  const id = await world.queue();
  const startedAt = performance.now();
  for (let times = 0; times < 3; times++) {
    const status = await (await fetch(`${url}/status-sync/${id}?wait=90000`, { headers })).json();
    expect(status).toMatchObject({ id, status: "IN_QUEUE" });
  }
  expect(performance.now() - startedAt).toBeGreaterThan(3 * HOLD_MS - 10);
});

test("trap 5: stream holds too, and a cancelled job's says so at once", async () => {
  const { world, url } = await serve();
  const id = await world.queue();
  const startedAt = performance.now();
  expect(await (await fetch(`${url}/stream/${id}`, { headers })).json()).toEqual({
    status: "IN_QUEUE",
    stream: [],
  });
  expect(performance.now() - startedAt).toBeGreaterThan(HOLD_MS - 10);
  await world.end(id, { state: "CANCELLED", reason: "cancelled-before-pickup" });
  const gone = await (await fetch(`${url}/stream/${id}`, { headers })).json();
  expect(gone).toEqual({ status: "CANCELLED", stream: [] });
});

test("trap 6: short calls wait for nothing, though long polls of the same job are held", async () => {
  const { world, url } = await serve({
    plane: { limits: { runBytes: 1_000, runsyncBytes: 1_000, holdMs: 20_000 } },
  });
  const id = await world.queue();
  const poll = new AbortController();
  const held = fetch(`${url}/status-sync/${id}?wait=20000`, { headers, signal: poll.signal });
  const gone = held.then(
    () => "answered",
    () => "gone",
  );
  const startedAt = performance.now();
  await fetch(`${url}/status/${id}`, { headers });
  await fetch(`${url}/health`, { headers });
  await fetch(`${url}/run`, { method: "POST", headers, body: '{"input":{}}' });
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  poll.abort();
  expect(await gone).toBe("gone");
});

test("a client that goes away ends its long poll: its place is free again", async () => {
  const { world, url } = await serve({
    plane: { limits: { runBytes: 1_000, runsyncBytes: 1_000, holdMs: 20_000 } },
  });
  const id = await world.queue();
  // Without an ear for changes the table is looked at twice a second.
  const reads: number[] = [];
  const get = world.stores.jobs.get;
  world.stores.jobs.get = (job) => {
    reads.push(performance.now());
    return get(job);
  };
  const poll = new AbortController();
  const held = fetch(`${url}/status-sync/${id}?wait=20000`, { headers, signal: poll.signal }).catch(
    () => undefined,
  );
  await expect.poll(() => reads.length).toBeGreaterThan(0);
  poll.abort();
  await held;
  const seen = reads.length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(reads.length).toBeLessThanOrEqual(seen + 1);
});

test("the seed's last step: cancel of a job that failed is a harmless 200", async () => {
  const { world, url } = await serve();
  const id = await world.queue();
  await world.end(id, { state: "FAILED", reason: "worker-failed", error: "x" });
  const response = await fetch(`${url}/cancel/${id}`, { method: "POST", headers, body: "{}" });
  expect([response.status, await response.json()]).toMatchObject([200, { id, status: "FAILED" }]);
});

test("a body above the limit is 413 while the client still sends, and the connection serves on", async () => {
  const { url } = await serve({
    plane: { limits: { runBytes: 1_000_000, runsyncBytes: 1_000_000, holdMs: 10 } },
  });
  const body = JSON.stringify({ input: "x".repeat(5_000_000) });
  const declared = await fetch(`${url}/run`, { method: "POST", headers, body });
  expect([declared.status, await declared.json()]).toMatchObject([413, { status: 413 }]);
  expect(await chunked(`${url}/run`, body)).toBe(413);
  expect((await fetch(`${url}/run`, { method: "POST", headers, body: '{"input":1}' })).status).toBe(200);
});

/** Without a content-length nobody can tell beforehand. */
function chunked(url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: "POST", headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    call.on("error", reject);
    for (let at = 0; at < body.length; at += 100_000) call.write(body.slice(at, at + 100_000));
    call.end();
  });
}
