// The server with a real container engine: containers that are killed from outside, and an engine that is away for a while.
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createEngine } from "../../shared/adapters/pools/docker/engine/engine.ts";
import { poolName } from "../../shared/domain/ids.ts";
import { findEngine } from "../contract/docker-pool-under-test.ts";
import type { ApiServer } from "./api-server.ts";
import { API_KEY, SLEEPER, startApiServer } from "./api-server.ts";
import { until } from "./until.ts";

const found = await findEngine();
const HOUR_MS = 3_600_000;
let server: ApiServer | undefined;
afterEach(async () => {
  await server?.dispose();
});

test("a container that is killed: its worker is lost within 2 s without any pass, and the job says why", async ({
  skip,
}) => {
  if ("missing" in found) return skip(found.missing);
  server = await startApiServer({ reconcileMs: HOUR_MS, engine: found.host });
  const { deps, log } = server;
  const { id } = await ask("POST", "run", { input: {} });
  const driver = deps.pools.get(poolName("engine"))!.driver;
  const workerId = await until("a container", async () => (await driver.list())[0]);
  await until("it to run", async () => (await driver.inspect(workerId)).type === "running");
  const killedAt = performance.now();
  await kill(found.host, workerId);
  await until("the worker's end", () => log.of("worker-ended").length === 1);
  const noticedMs = performance.now() - killedAt;
  expect(noticedMs).toBeLessThan(2_000);
  await server.idle();
  const { whyWaiting } = await ask("GET", `status/${id}`);
  expect(whyWaiting.message).toContain("exit code 137");
});

test("an engine that is away: its jobs say so and since when, the log in one line; once it is back they start", async ({
  skip,
}) => {
  if ("missing" in found) return skip(found.missing);
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-proxy-"));
  const proxy = createProxy(join(dir, "engine.sock"), found.host);
  try {
    // Away before the server was started.
    server = await startApiServer({ reconcileMs: 100, engine: `unix://${join(dir, "engine.sock")}` });
    const { log } = server;
    const { id } = await ask("POST", "run", { input: {} });
    const why = await whyOf(id);
    expect(why).toMatchObject({ code: "pool-unavailable", message: expect.stringMatching(AWAY) });
    const [, since = ""] = AWAY.exec(why.message) ?? [];
    expect(Date.now() - Date.parse(since)).toBeLessThan(30_000);
    await until("a line about it", () => log.of("reconcile-failed").length > 0);
    await proxy.up();
    await until("a container", async () => (await names()).length > 0);
    await until("one line that it works again", () => log.of("reconcile-recovered").length === 1);
    const failed = log.of("reconcile-failed").length;
    await proxy.down();
    const second = (await ask("POST", "run", { input: {} })).id;
    await until("the outage to be the reason", async () => AWAY.test((await whyOf(second)).message));
    // Passes go by: the job says so in each of them, and the log once more.
    for (let n = 0; n < 20; n++) {
      expect((await whyOf(second)).message).toMatch(AWAY);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(log.of("reconcile-failed").length).toBeLessThanOrEqual(failed + 2);
    await proxy.up();
    await until("it to work again", () => log.of("reconcile-recovered").length === 2);
    expect(log.of("reconcile-recovered").at(-1)).toMatchObject({ count: expect.any(Number) });
  } finally {
    await server?.dispose();
    server = undefined;
    await proxy.down();
    await rm(dir, { recursive: true, force: true });
  }
});

const AWAY = /takes no work at the moment \(since (\S+Z)\): no Docker engine answers at unix:/;

async function whyOf(id: string) {
  return (await ask("GET", `status/${id}`)).whyWaiting;
}

async function names(): Promise<readonly string[]> {
  return (await server?.deps.pools.get(poolName("engine"))?.driver.list()) ?? [];
}

/** Between the server and the engine, so that it can be away. */
function createProxy(path: string, host: string) {
  const open = new Set<Socket>();
  let proxy = createServer();
  const pass = (from: Socket) => {
    const to = host.startsWith("unix://")
      ? connect(host.slice("unix://".length))
      : connect(Number(new URL(host).port), new URL(host).hostname);
    for (const socket of [from, to]) {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => open.delete(socket));
    }
    from.pipe(to).pipe(from);
  };
  return {
    async up() {
      proxy = createServer(pass);
      await new Promise<void>((resolve) => proxy.listen(path, resolve));
    },
    async down() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

async function ask(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server?.url}/v2/${SLEEPER}/${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { id: string; whyWaiting: { code: string; message: string } };
}

async function kill(url: string, name: string): Promise<void> {
  const engine = createEngine({ url, tls: undefined });
  expect((await engine.call({ method: "POST", path: `/containers/${name}/kill` })).status).toBe(204);
}
