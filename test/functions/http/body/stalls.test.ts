// Connections that stall: their bodies are given up, they cost what came of them and no more, and the others are answered.
import type { Socket } from "node:net";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { ByteRoom } from "../../../../functions/http/body/byte-room.ts";
import { jsonAnswer } from "../../../../functions/http/body/json-answer.ts";
import { readBody } from "../../../../functions/http/body/read-body.ts";
import { refuseBody } from "../../../../functions/http/body/refuse-body.ts";
import type { HttpServer } from "../../../../functions/http-server.ts";
import { createHttpServer } from "../../../../functions/http-server.ts";
import { StoredJson } from "../../../../shared/domain/job/payload.ts";
import { until } from "../../../e2e/until.ts";
import { LIMITS } from "../../../fakes/bodies.ts";
import { createCollectingLog } from "../../../fakes/collecting-log.ts";

const OWNER = { key: "a", bytesUnderWay: 100_000_000, bytesPerSecond: 1_000_000_000 };
const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function serve(app: Hono, stalledMs = 60_000): Promise<string> {
  const limits = { connections: 100, connectionsPerAddress: 100 };
  const options = { limits, log: createCollectingLog(), patienceMs: 50, stalledMs };
  const server: HttpServer = createHttpServer((request, env) => app.fetch(request, env), options);
  open.push(server);
  return server.listen({ host: "127.0.0.1", port: 0 });
}

function dial(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  open.unshift({ close: () => socket.destroy() });
  return socket;
}

/** With an error or without: a drop that comes too late is answered with a reset. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once("close", resolve));
}

function reader({ isUnknown = false, stallMs = 100 } = {}) {
  const room = new ByteRoom(2_000_000);
  const app = new Hono();
  const types: string[] = [];
  app.get("/", (c) => c.text("well"));
  app.post("/", async (c) => {
    const desk = { room, pace: () => 0, json: LIMITS.body, stallMs };
    const body = await readBody(c, desk, { owner: OWNER, maxBytes: 900_000, isUnknown });
    types.push(body.type);
    if (body.type !== "read") return refuseBody(c, body);
    body.release();
    return c.json({ bytes: body.bytes.length });
  });
  return { app, room, types };
}

const head = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

describe("a body", () => {
  test.each([false, true])(
    "that stops coming is given up with its connection (unknown: %s)",
    async (isUnknown) => {
      const { app, room, types } = reader({ isUnknown });
      const socket = dial(await serve(app));
      socket.write(`${head(500_000)}"${"x".repeat(1_000)}`);
      await closed(socket);
      expect([types, room.taken]).toEqual([["broken"], 0]);
    },
  );

  test("of somebody unknown must be there in time, however it drips", async () => {
    const { app, types } = reader({ isUnknown: true, stallMs: 200 });
    const socket = dial(await serve(app));
    socket.write(`${head(500_000)}"`);
    const drip = setInterval(() => socket.write("x"), 20);
    await closed(socket);
    clearInterval(drip);
    expect(types).toEqual(["broken"]);
  });

  test("of somebody known may drip for longer", async () => {
    const { app, types } = reader({ stallMs: 300 });
    const socket = dial(await serve(app));
    socket.write(`${head(7)}"`);
    for (let number = 0; number < 5; number++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.write("x");
    }
    socket.end('"');
    expect(await text(socket)).toContain('{"bytes":7}');
    expect(types).toEqual(["read"]);
  });

  test("its word for the length takes room; of somebody unknown what came of it does, and the slowest gives way", async () => {
    const known = reader({ stallMs: 60_000 });
    dial(await serve(known.app)).write(`${head(800_000)}"`);
    await until("its room to be taken", () => known.room.taken === 800_000);
    const unknown = reader({ isUnknown: true, stallMs: 60_000 });
    const url = await serve(unknown.app);
    const slow = Array.from({ length: 3 }, () => dial(url));
    for (const [index, socket] of slow.entries()) {
      socket.write(`${head(900_000)}"${"x".repeat(800_000)}`);
      if (index === 0) await until("the first to be read", () => unknown.room.taken >= 800_000);
    }
    await closed(slow[0] as Socket);
    await until("the others to be read", () => unknown.room.taken > 1_600_000);
    expect(await (await fetch(url)).text()).toBe("well");
  });
});

describe("an answer from the store", () => {
  function answering(part: () => Promise<string | undefined>) {
    const answers = new ByteRoom(100_000_000);
    const stored = new StoredJson({ type: "parts", key: "out", count: 100, bytes: 20_000_000 });
    const app = new Hono();
    app.get("/", (c) =>
      jsonAnswer(
        c,
        { id: "job", output: stored },
        { desk: { answers, pace: () => 0 }, payloads: { part }, owner: OWNER },
      ),
    );
    return { app, answers };
  }

  test("is sent part by part, as JSON of its length", async () => {
    let asked = 0;
    const json = JSON.stringify("x".repeat(19_999_998));
    const { app, answers } = answering(async () => json.slice(asked * 200_000, ++asked * 200_000));
    const response = await fetch(await serve(app));
    expect(Number(response.headers.get("content-length"))).toBe(20_000_000 + '{"id":"job","output":}'.length);
    const answer = (await response.json()) as { id: string; output: string };
    expect([answer.id, answer.output.length]).toEqual(["job", 19_999_998]);
    expect(answers.taken).toBe(0);
  });

  test("is read no faster than it is taken, and whoever stops taking it is dropped", async () => {
    let asked = 0;
    const { app, answers } = answering(async () => {
      asked++;
      return "x".repeat(200_000);
    });
    const socket = dial(await serve(app, 200));
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until("it to be under way", () => answers.taken > 0);
    await until("it to be dropped", () => answers.taken === 0);
    expect(asked).toBeLessThan(60);
  });

  test("whose parts are gone breaks, so that nobody takes it for whole", async () => {
    const { app, answers } = answering(async () => undefined);
    const url = await serve(app);
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
    expect(answers.taken).toBe(0);
  });
});
