// A job's callback over real HTTP: it comes with the end of the job, without any pass of the reconciler.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCallbackReceiver } from "../fakes/callback-receiver.ts";
import type { ApiServer } from "./api-server.ts";
import { API_KEY, PARKED, PROGRAM, startApiServer } from "./api-server.ts";

let server: ApiServer;
let receiver: Awaited<ReturnType<typeof startCallbackReceiver>>;
beforeAll(async () => {
  [server, receiver] = await Promise.all([
    startApiServer({ reconcileMs: 3_600_000 }),
    startCallbackReceiver(),
  ]);
});
afterAll(async () => {
  await server.dispose();
  await receiver.close();
});

async function post(path: string, body?: unknown): Promise<{ id: string }> {
  const response = await fetch(`${server.url}/v2/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { id: string };
}

test("the result of a job, and the end of one that was cancelled, each once", async () => {
  const done = await post(`${PROGRAM}/run`, { input: { echo: 42 }, webhook: receiver.url });
  await expect.poll(() => receiver.bodies.length, { timeout: 20_000 }).toBe(1);
  expect(receiver.bodies[0]).toMatchObject({ id: done.id, status: "COMPLETED", output: { echo: 42 } });
  const parked = await post(`${PARKED}/run`, { input: {}, webhook: receiver.url });
  await post(`${PARKED}/cancel/${parked.id}`);
  await expect.poll(() => receiver.bodies.length, { timeout: 20_000 }).toBe(2);
  expect(receiver.bodies[1]).toMatchObject({ id: parked.id, status: "CANCELLED" });
  await server.idle();
  expect(receiver.bodies).toHaveLength(2);
  expect(server.log.of("callback-delivered").map(({ job, count }) => [job, count])).toEqual([
    [done.id, 1],
    [parked.id, 1],
  ]);
});
