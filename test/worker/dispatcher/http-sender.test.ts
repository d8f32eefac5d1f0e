import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { createHttpSender } from "../../../worker/dispatcher/http-sender.ts";

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  const connects: string[] = [];
  // A proxy that refuses every tunnel.
  server.on("connect", (request, socket) => {
    connects.push(`${request.url} ${request.headers["proxy-authorization"]}`);
    socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const request = (url: string, timeoutMs = 5_000) => ({
  method: "POST" as const,
  url,
  headers: { a: "b" },
  body: "é",
  timeoutMs,
});

describe("a request", () => {
  it("has a body, a length and one connection", async () => {
    await using server = await serve((got, answer) => {
      expect(got.headers).toMatchObject({ a: "b", "content-length": "2", connection: "close" });
      answer.writeHead(429, { "retry-after": "7" }).end("later");
    });
    const answer = await createHttpSender({})(request(`http://127.0.0.1:${server.port}/x?secret=1`));
    expect(answer).toEqual({ status: 429, body: "later", retryAfterMs: 7_000 });
  });

  it("ends in time, also in the middle of an answer, and says where but not the query", async () => {
    await using server = await serve((_got, answer) => {
      answer.writeHead(200).write("half");
    });
    const sent = createHttpSender({})(request(`http://127.0.0.1:${server.port}/x?secret=1`, 100));
    await expect(sent).rejects.toThrow(`POST http://127.0.0.1:${server.port}/x: no answer within 0.1 s.`);
  });

  it("refuses an endless answer", async () => {
    await using server = await serve((_got, answer) => {
      answer.end(Buffer.alloc(21 * 1024 * 1024));
    });
    const sent = createHttpSender({})(request(`http://127.0.0.1:${server.port}/`));
    await expect(sent).rejects.toMatchObject({ cause: { message: "The answer is longer than 20 MB." } });
  });

  it("goes through the proxy, whole for http", async () => {
    await using proxy = await serve((got, answer) => {
      answer.end(`${got.url} ${got.headers.host} ${got.headers["content-length"]}`);
    });
    const send = createHttpSender({ http_proxy: `http://127.0.0.1:${proxy.port}` });
    expect((await send(request("http://dispatcher.test/x"))).body).toBe(
      "http://dispatcher.test/x dispatcher.test 2",
    );
  });

  it("goes through a tunnel for https, and says who refused it", async () => {
    await using proxy = await serve(() => expect.fail("not a plain request"));
    const send = createHttpSender({ https_proxy: `http://me:p%40ss@127.0.0.1:${proxy.port}` });
    await expect(send(request("https://api.github.test/x"))).rejects.toMatchObject({
      cause: { message: expect.stringContaining("answered 407 to CONNECT api.github.test:443") },
    });
    expect(proxy.connects).toEqual([
      `api.github.test:443 Basic ${Buffer.from("me:p@ss").toString("base64")}`,
    ]);
  });
});

it("speaks TLS inside the tunnel", async () => {
  // No certificate is needed to see that the first bytes through the tunnel are a TLS hello for the right host.
  const hello = Promise.withResolvers<Buffer>();
  const target = createTcpServer((socket) =>
    socket.once("data", (data) => {
      hello.resolve(data);
      socket.destroy();
    }),
  );
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const proxy = createServer();
  const sockets: Duplex[] = [];
  proxy.on("connect", (_request, socket) => {
    sockets.push(socket);
    const upstream = connect((target.address() as AddressInfo).port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const send = createHttpSender({
      https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    });
    const startedAt = Date.now();
    await expect(send(request("https://api.github.test/x"))).rejects.toThrow("no answer");
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    const bytes = await hello.promise;
    expect(bytes[0]).toBe(0x16);
    expect(bytes.toString("latin1")).toContain("api.github.test");
  } finally {
    for (const socket of sockets) socket.destroy();
    await Promise.all([proxy, target].map((server) => new Promise((resolve) => server.close(resolve))));
  }
});
