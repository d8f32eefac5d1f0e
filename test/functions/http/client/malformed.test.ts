// 10,000 requests that no client should send, from a seeded generator: each gets a 4xx or a 200, soon, and no secret.
import { connect } from "node:net";
import { expect, test } from "vitest";
import { seededRandom } from "../../../fakes/seeded-random.ts";
import { listen } from "../http-world.ts";
import { createClientWorld, ECHO, KEY, RUNNER } from "./client-world.ts";

const REQUESTS = 10_000;
const SEED = 20_261_121;
const BATCH = 100;
/** In whatever a request holds; never in an answer. */
const SECRET = "ghp_thesecretofthistest";

const NAMES = [
  ECHO,
  RUNNER,
  "nowhere",
  "..",
  "%2e%2e",
  "%E0%A4%A",
  "%00",
  "a".repeat(5_000),
  "__proto__",
  "é",
  " ",
];
const ROUTES = [
  "run",
  "runsync",
  "status",
  "status-sync",
  "stream",
  "cancel",
  "retry",
  "purge-queue",
  "health",
  "requests",
];
const IDS = [
  "",
  "x",
  "gh-1",
  "..%2f..%2fetc",
  "%",
  "%FF%FE",
  "a&job_in_progress=0",
  "constructor",
  "id".repeat(2_000),
  SECRET,
];
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];
const WAITS = [
  "",
  "wait=",
  "wait=-1",
  "wait=1e309",
  "wait=NaN",
  "wait=abc",
  "wait=1&wait=2",
  "wait[]=1",
  "ttl=%",
  "wait=0x10",
];
const BODIES = [
  "",
  "{}",
  "null",
  "[]",
  '"text"',
  "{",
  `{"input":"${SECRET}"`,
  `{"input":{},"webhook":"http://${SECRET}@"}`,
  `{"input":{},"webhook":"javascript:${SECRET}"}`,
  `{"input":{},"policy":{"ttl":-1}}`,
  `{"input":{},"policy":{"ttl":1e400}}`,
  `{"input":{},"policy":[]}`,
  `{"input":{},"s3Config":"${SECRET}"}`,
  `{"input":{"github_pat":"${SECRET} ","github_org":"acme; id"}}`,
  `{"input":{"github_pat":"${SECRET}","github_org":"a/b/c"}}`,
  `{"input":{"github_pat":{"a":"${SECRET}"}}}`,
  `{"input":{"github_org":["acme"]}}`,
  '{"__proto__":{"input":1}}',
  '{"input":{"__proto__":{"toString":1},"constructor":{"prototype":1}}}',
  `{"input":${"[".repeat(3_000)}${"]".repeat(3_000)}}`,
  `{"input":${"[".repeat(20_000)}`,
  '{"input":"\\ud800"}',
  "\u0000\u0001\u0002",
  "\ufeff{}",
  "input=1&webhook=2",
  "x".repeat(2_000),
];
const CREDENTIALS = [
  KEY,
  KEY,
  KEY,
  KEY,
  `Bearer ${KEY}`,
  "",
  "Bearer",
  SECRET,
  `${KEY}x`,
  "a.b.c",
  "eyJhbGciOiJub25lIn0.e30.",
  `npudw1.${btoa("{}")}.x`,
  "x".repeat(9_000),
];
const HEADERS: readonly { readonly [name: string]: string }[] = [
  {},
  { "content-type": "application/json" },
  { "content-type": "multipart/form-data" },
  { "content-length": "-1" },
  { "content-length": "99999999999" },
  { "content-length": "abc" },
  { "idempotency-key": "" },
  { "idempotency-key": "k" },
  { "idempotency-key": "\u00e9" },
  { "content-encoding": "gzip" },
  { expect: "100-continue", "transfer-encoding": "chunked" },
];

test(`${REQUESTS} malformed requests: never a 5xx, never a hang, never a secret in an answer`, async () => {
  const world = await createClientWorld({
    plane: { limits: { runBytes: 5_000, runsyncBytes: 5_000, holdMs: 5 } },
  });
  const { fraction } = seededRandom(SEED);
  const one = <T>(of: readonly T[]): T => of[Math.floor(fraction() * of.length)]!;
  const seen = new Map<number, number>();

  const sendOne = async (): Promise<void> => {
    const method = one(METHODS);
    const path = `/v2/${one(NAMES)}/${one(ROUTES)}${fraction() < 0.6 ? `/${one(IDS)}` : ""}?${one(WAITS)}`;
    const body = method === "GET" || method === "HEAD" ? undefined : one(BODIES);
    const headers = { authorization: one(CREDENTIALS), ...one(HEADERS) };
    const request = new Request(`http://dispatch.test${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    const response = await world.app.request(request);
    const text = await response.text();
    seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
    const said = `${method} ${path.slice(0, 80)} ${body?.slice(0, 60)}: ${response.status} ${text.slice(0, 200)}`;
    expect(response.status, said).toBeLessThan(500);
    expect(text, said).not.toContain(SECRET);
    expect(text, said).not.toContain(KEY);
  };

  for (let sent = 0; sent < REQUESTS; sent += BATCH) {
    // The rate limits are not what is tried here.
    world.clock.advance(20_000);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: BATCH }, sendOne));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }
  // The generator reaches what it is meant to reach.
  for (const status of [200, 400, 401, 404, 405, 413]) expect([...seen.keys()]).toContain(status);
  expect(world.log.entries.filter(({ level }) => level === "error")).toEqual([]);
  expect(JSON.stringify(world.log.entries)).not.toContain(SECRET);
});

test("what is not HTTP gets a 4xx or a closed connection, and the server serves on", async () => {
  const world = await createClientWorld();
  const server = await listen(world.app);
  const head = `Host: x\r\nAuthorization: ${KEY}\r\n`;
  const raw = [
    "\r\n\r\n",
    "HELLO\r\n\r\n",
    `GET http://[ HTTP/1.1\r\n${head}\r\n`,
    `GET //////v2/%zz/health HTTP/1.1\r\n${head}\r\n`,
    `GET /v2/${ECHO}/health HTTP/1.1\r\nAuthorization: ${KEY}\r\n\r\n`,
    `GET /v2/${ECHO}/health HTTP/9.9\r\n${head}\r\n`,
    `GET /${"v".repeat(40_000)} HTTP/1.1\r\n${head}\r\n`,
    `POST /v2/${ECHO}/run HTTP/1.1\r\n${head}Content-Length: abc\r\n\r\n`,
    `POST /v2/${ECHO}/run HTTP/1.1\r\n${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nabcd`,
    `POST /v2/${ECHO}/run HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `POST /v2/${ECHO}/run HTTP/1.1\r\n${head}Content-Length: 100\r\n\r\n{"input"`,
    `POST /v2/${ECHO}/run HTTP/1.1\r\n${head}X: a\x00b\r\n\r\n`,
  ];
  try {
    const port = Number(new URL(server.url).port);
    const answers = await Promise.all(raw.map((text) => sendRaw(port, text)));
    for (const [index, answer] of answers.entries()) {
      expect(answer, raw[index]!.slice(0, 60)).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
      expect(answer).not.toContain(KEY);
    }
    expect((await fetch(`${server.url}/v2/${ECHO}/health`, { headers: { authorization: KEY } })).status).toBe(
      200,
    );
  } finally {
    await server.close();
  }
  expect(world.log.entries.filter(({ level }) => level === "error")).toEqual([]);
});

/** What comes back until the connection ends; half a request is ended by us. */
function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(text, "latin1"));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}
