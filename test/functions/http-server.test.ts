// One process ends though its clients keep their connections, and answers what it has taken.
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import type { HttpServer } from "../../functions/http-server.ts";
import { createHttpServer } from "../../functions/http-server.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";

const OPTIONS = { limits: { connections: 100, connectionsPerAddress: 100 }, log: createCollectingLog() };
const agents: Agent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
});

type Answer = { readonly status: number | undefined; readonly connection: string | undefined };

/** Over one connection that it never closes itself. */
function client(url: string): () => Promise<Answer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return () =>
    new Promise((resolve, reject) => {
      get(url, { agent }, (response) => {
        response.resume();
        const { statusCode: status, headers } = response;
        response.on("end", () => resolve({ status, connection: headers.connection }));
      }).on("error", reject);
    });
}

function listening(server: HttpServer): Promise<string> {
  return server.listen({ host: "127.0.0.1", port: 0 });
}

/** A request that waits for `answer`. */
function holding() {
  const held = Promise.withResolvers<Response>();
  const arrived = Promise.withResolvers<void>();
  const fetch = () => {
    arrived.resolve();
    return held.promise;
  };
  return { fetch, arrived: arrived.promise, answer: () => held.resolve(new Response("ok")) };
}

test("what is under way is answered, and its client, which would keep the connection, gets nothing more", async () => {
  const { fetch, arrived, answer } = holding();
  const server = createHttpServer(fetch, OPTIONS);
  const ask = client(await listening(server));
  const asked = ask();
  await arrived;
  const closed = server.close();
  answer();
  expect(await asked).toEqual({ status: 200, connection: "close" });
  await expect(ask()).rejects.toThrow("ECONNREFUSED");
  await closed;
});

test("so is a request that was on its way", async () => {
  const server = createHttpServer(() => new Response("ok"), OPTIONS);
  const { hostname, port } = new URL(await listening(server));
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
  // Its first half has been read when another client has its answer.
  expect(await client(`http://${hostname}:${port}`)()).toEqual({ status: 200, connection: "keep-alive" });
  const closed = server.close();
  socket.write("\r\n");
  expect((await text(socket)).toLowerCase()).toMatch(/^http\/1.1 200 ok\r\n(.*\r\n)*connection: close\r\n/);
  await closed;
});

test("a connection that was never used does not keep it", async () => {
  const server = createHttpServer(() => new Response("ok"), OPTIONS);
  const { hostname, port } = new URL(await listening(server));
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  // The server has seen it when it has answered a later one.
  await client(`http://${hostname}:${port}`)();
  await server.close();
  expect(await text(socket)).toBe("");
});

test("nor one whose answer had begun, and promised to keep it", async () => {
  let end = () => {};
  const server = createHttpServer(() => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("begun"));
        end = () => controller.close();
      },
    });
    return new Response(body);
  }, OPTIONS);
  const agent = new Agent({ keepAlive: true });
  agents.push(agent);
  const [answer] = await once(get(await listening(server), { agent }), "response");
  expect(answer.headers.connection).toBe("keep-alive");
  await once(answer, "readable");
  const closed = server.close();
  end();
  expect(await text(answer)).toBe("begun");
  await closed;
});

test("what has no answer in time gets none", async () => {
  const { fetch, arrived } = holding();
  const server = createHttpServer(fetch, { ...OPTIONS, patienceMs: 50 });
  const refused = expect(client(await listening(server))()).rejects.toThrow("socket hang up");
  await arrived;
  await server.close();
  await refused;
});

test("a port that is taken is a fault", async () => {
  const server = createHttpServer(() => new Response("ok"), OPTIONS);
  const port = Number(new URL(await listening(server)).port);
  const second = createHttpServer(() => new Response("ok"), OPTIONS);
  await expect(second.listen({ host: "127.0.0.1", port })).rejects.toThrow("EADDRINUSE");
  await server.close();
});
