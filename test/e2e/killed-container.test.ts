// A worker's container that is killed from outside: the server hears of it from the engine, and needs no pass for it.
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

test("its worker is lost within 2 s, and the job says why", async ({ skip }) => {
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

async function ask(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server?.url}/v2/${SLEEPER}/${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { id: string; whyWaiting: { message: string } };
}

async function kill(url: string, name: string): Promise<void> {
  const engine = createEngine({ url, tls: undefined });
  expect((await engine.call({ method: "POST", path: `/containers/${name}/kill` })).status).toBe(204);
}
