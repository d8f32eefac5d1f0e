// One POST: what comes back, over which connection, and how it fails, against raw sockets where a server must misbehave.
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createHttpPost, type HttpPost } from "../../../shared/adapters/dynamodb/http-post.ts";
import { type Recorder, startRecorder } from "../../fakes/recorder.ts";

const NO_LIMIT_MS = 10_000;
let recorder: Recorder | undefined;
let server: Server | undefined;
let http: HttpPost | undefined;
const sockets = new Set<Socket>();

afterEach(async () => {
  http?.close();
  await recorder?.stop();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  if (server !== undefined) await new Promise((resolve) => server?.close(resolve));
  [recorder, server, http] = [undefined, undefined, undefined];
});

test("any status and text comes back, over one kept connection", async () => {
  const body = `{"text":"${"昇腾".repeat(50_000)}"}`;
  recorder = await startRecorder((_, place) => ({ status: place === 0 ? 200 : 400, body }));
  http = createHttpPost(new URL(recorder.endpoint));
  const sent = { "content-length": "6", "x-some": "header" };
  expect(await http.post(sent, "构建", NO_LIMIT_MS)).toMatchObject({ status: 200, body });
  expect(await http.post(sent, "构建", NO_LIMIT_MS)).toMatchObject({ status: 400, body });
  const [first, second] = recorder.heard;
  expect(first).toMatchObject({ method: "POST", path: "/", body: "构建", headers: { "x-some": "header" } });
  expect(second?.port).toBe(first?.port);
});

test("the path of the URL is kept", async () => {
  recorder = await startRecorder(() => ({ status: 200, body: "ok" }));
  http = createHttpPost(new URL(`${recorder.endpoint}/a/path`));
  await http.post({}, "", NO_LIMIT_MS);
  expect(recorder.heard).toMatchObject([{ method: "POST", path: "/a/path" }]);
});

test.each<[string, (socket: Socket) => void]>([
  ["no answer", () => {}],
  ["a head without its body", (socket) => void socket.write(answerOf("{", 100))],
])("%s in time is a time-out, and the connection is given up", async (_, behave) => {
  const { port, closed } = await misbehave(behave);
  http = createHttpPost(new URL(`http://127.0.0.1:${port}`));
  await expect(http.post({}, "{}", 50)).rejects.toMatchObject({
    name: "TimeoutError",
    code: "ETIMEDOUT",
    message: "no whole answer within 50 ms",
  });
  await closed;
});

test.each<[string, (socket: Socket) => void, string]>([
  ["a connection that ends before an answer", (socket) => void socket.end(), "ECONNRESET"],
  ["a body cut short", (socket) => void socket.end(answerOf("{", 100)), "ECONNRESET"],
  ["an answer that is not HTTP", (socket) => void socket.end("hello\r\n\r\n"), "HPE_INVALID_CONSTANT"],
])("%s is an error with Node's code", async (_, behave, code) => {
  const { port } = await misbehave(behave);
  http = createHttpPost(new URL(`http://127.0.0.1:${port}`));
  await expect(http.post({}, "{}", NO_LIMIT_MS)).rejects.toMatchObject({ code });
});

function answerOf(body: string, length: number): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${body}`;
}

/** A server that does this once it has heard something; `closed` resolves when its first connection has ended. */
async function misbehave(behave: (socket: Socket) => void) {
  const started = createServer((socket) => {
    sockets.add(socket);
    // What a client that gave up does to it is no news here.
    socket.on("error", () => socket.destroy());
    socket.once("data", () => behave(socket));
  });
  server = started;
  const closed = once(started, "connection").then(([socket]) => once(socket as Socket, "close"));
  started.listen(0, "127.0.0.1");
  await once(started, "listening");
  return { port: (started.address() as AddressInfo).port, closed };
}
