// What one tenant sends, against a server of `npm start` over real HTTP: counted, bounded, answered in a sentence, and no
// matter to the others.
import { once } from "node:events";
import { request } from "node:http";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiServer } from "../api-server.ts";
import { API_KEY, PARKED, startApiServer } from "../api-server.ts";
import { until } from "../until.ts";

const MB = 1_000_000;
const AUTH = { authorization: `Bearer ${API_KEY}` };

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ limits: { connectionsPerAddress: 60 } });
});
afterAll(() => server.dispose());

type Answer = {
  readonly code: number;
  readonly detail?: string;
  readonly id?: string;
  readonly retryAfterMs?: number;
};

async function post(path: string, body: string | Uint8Array): Promise<Answer> {
  const init = { method: "POST", headers: AUTH, body: body as NonNullable<RequestInit["body"]> };
  const response = await fetch(`${server.url}/v2/${PARKED}/${path}`, init);
  const json = await response.text();
  if (json === "") throw new Error(`${path}: ${response.status} without a body`);
  return { code: response.status, ...JSON.parse(json) };
}

const ofKeys = (count: number) =>
  `{"input":{${Array.from({ length: count }, (_, index) => `"k${index}":${index}`).join(",")}}}`;

describe("a body of more than its limits is refused while it comes", () => {
  test.each([
    ["keys", ofKeys(500_000), 413, /at most 100000 keys/],
    [
      "objects",
      `{"input":[${Array(3_300_000).fill("{}").join(",")}]}`,
      413,
      /at most 100000 objects and lists/,
    ],
    ["depth", `{"input":${"[".repeat(600)}${"]".repeat(600)}}`, 400, /deeper than 500 levels/],
    ["bytes", JSON.stringify({ input: "x".repeat(10 * MB) }), 413, /at most 10000000 bytes/],
    ["no JSON", "github_pat_secret", 400, /not JSON/],
    ["nothing", "", 400, /not JSON/],
  ])("%s", async (_name, body, code, detail) => {
    const answer = await post("run", body);
    expect(answer).toMatchObject({ code, detail: expect.stringMatching(detail) });
    expect(answer.detail).not.toContain("secret");
  });
});

test("40 runsync of 5 MB of empty objects at once: each is answered, and the memory is bounded", async () => {
  const body = Buffer.from(`{"input":[${Array(1_600_000).fill("{}").join(",")}]}`);
  const before = process.memoryUsage().heapUsed;
  const answers = await Promise.all(Array.from({ length: 40 }, () => post("runsync?wait=1000", body)));
  for (const { code, detail } of answers) {
    expect([413, 429]).toContain(code);
    expect(detail).toMatch(/objects and lists|under way/);
  }
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(300 * MB);
});

test("large bodies above the tenant's room are told to come again; a small one and a cancel are taken meanwhile", async () => {
  const large = [halfSent(19 * MB), halfSent(19 * MB)];
  await Promise.all(large.map(({ begun }) => begun));
  const refused = await until("a third one to be refused", async () => {
    const answer = await post("runsync?wait=1000", JSON.stringify({ input: "x".repeat(5 * MB) }));
    return answer.code === 429 ? answer : undefined;
  });
  expect(refused).toMatchObject({ detail: expect.stringMatching(/under way/), retryAfterMs: 5_000 });
  const small = await post("run", '{"input":{}}');
  expect(small.code).toBe(200);
  expect((await post(`cancel/${small.id}`, "")).code).toBe(200);
  for (const { socket } of large) socket.destroy();
  await until("their room to be given back", async () => {
    const answer = await post("run", JSON.stringify({ input: "x".repeat(5 * MB) }));
    return answer.code === 200;
  });
  await post("purge-queue", "");
});

/** A runsync of so many bytes of which the first 100 kB come. */
function halfSent(bytes: number): { socket: Socket; begun: Promise<unknown> } {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  const head = `POST /v2/${PARKED}/runsync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${API_KEY}\r\nContent-Length: ${bytes}\r\n\r\n`;
  const begun = new Promise((resolve) => socket.write(`${head}{"input":"${"x".repeat(100_000)}`, resolve));
  return { socket, begun };
}

test("a large input and its chunks of unknown length come to their job as they were, though nothing parsed them", async () => {
  const input = { text: 'añ€😀"\\'.repeat(20_000), numbers: [1.5, 0, 1e300] };
  const body = JSON.stringify({ input });
  const sent = request(`${server.url}/v2/${PARKED}/run`, {
    method: "POST",
    headers: { ...AUTH, "transfer-encoding": "chunked" },
  });
  for (let at = 0; at < body.length; at += 50_000) sent.write(body.slice(at, at + 50_000));
  sent.end();
  const [response] = await once(sent, "response");
  const { id } = JSON.parse(await text(response));
  const job = await server.deps.stores.jobs.get(id);
  expect(job?.api?.input.type).toBe("parts");
  const stored = job?.api && (await server.deps.apiStores.payloads.get(job.api.input));
  expect(JSON.parse(stored ?? "")).toEqual(input);
  await post("purge-queue", "");
});

test("a token in a large input is sealed and not in what is stored", async () => {
  const pat = `github_pat_${"s".repeat(40)}`;
  const input = { a: 1, github_pat: pat, filling: "x".repeat(50_000) };
  const { id = "", code } = await post("run", JSON.stringify({ input }));
  expect(code).toBe(200);
  const job = await server.deps.stores.jobs.get(id as never);
  const stored = job?.api && (await server.deps.apiStores.payloads.get(job.api.input));
  expect(stored).not.toContain("github_pat");
  expect(JSON.parse(stored ?? "")).toEqual({ a: 1, filling: input.filling });
  expect(job?.api?.runner?.sealedPat).toBeDefined();
  await post("purge-queue", "");
});

describe("connections", () => {
  test("those of one address above its limit are closed, with one line that says what to change", async () => {
    const { hostname, port } = new URL(server.url);
    const sockets = Array.from({ length: 80 }, () => connect(Number(port), hostname));
    let closed = 0;
    for (const socket of sockets) socket.on("error", () => undefined).once("close", () => closed++);
    await until("some to be closed", () => closed >= 20);
    expect(server.log.of("connection-refused")).toMatchObject([
      { level: "warn", reason: "connectionsPerAddress", message: expect.stringContaining("dispatch.yaml") },
    ]);
    for (const socket of sockets) socket.destroy();
    await until("the others to be let go", () => closed === 80);
    await until("there to be room again", async () => {
      const answer = await fetch(`${server.url}/healthz`).catch(() => undefined);
      return answer?.ok === true;
    });
  });
});
