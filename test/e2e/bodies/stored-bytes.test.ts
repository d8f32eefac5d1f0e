// One tenant fills neither the disk nor the table: over real HTTP and the embedded store.
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { jobId, tenantId } from "../../../shared/domain/ids.ts";
import { endedApi } from "../../../shared/domain/job/api-steps.ts";
import { noteEnd } from "../../../shared/usecases/ending/end-api-job.ts";
import { updateJob } from "../../../shared/usecases/update.ts";
import type { ApiServer } from "../api-server.ts";
import { API_KEY, PARKED, startApiServer } from "../api-server.ts";
import { until } from "../until.ts";

const MB = 1_000_000;
const OWNER = tenantId(4711);
let server: ApiServer;
afterEach(() => server.dispose());

type Answer = {
  readonly code: number;
  readonly id: string;
  readonly detail: string;
  readonly retryAfterMs?: number;
};

async function post(path: string, body: unknown = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/v2/${PARKED}/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify(body),
  });
  return { code: response.status, ...((await response.json()) as { id: string; detail: string }) };
}

const inputOf = (bytes: number) => ({ input: "x".repeat(bytes) });
const stored = () => server.deps.apiStores.stored.total(OWNER);
const fast = { bytesPerSecond: 1_000 * MB };

test("inputs of a queue that is emptied are gone from the disk: filled again and again it does not grow", async () => {
  server = await startApiServer({ limits: { tenant: { ...fast, storedBytes: 40 * MB } } });
  const sizeOf = () =>
    statSync(join(server.dir, "dispatch.db")).size + statSync(join(server.dir, "dispatch.db-wal")).size;
  const sizes: number[] = [];
  for (let round = 0; round < 4; round++) {
    const answers = await Promise.all([1, 2, 3].map(() => post("run", inputOf(4 * MB))));
    expect(answers.map(({ code }) => code)).toEqual([200, 200, 200]);
    expect(await stored()).toBeGreaterThan(12 * MB);
    // Two purges are allowed in 10 s.
    if (round < 2) expect((await post("purge-queue")).code).toBe(200);
    else for (const { id } of answers) expect((await post(`cancel/${id}`)).code).toBe(200);
    expect(await stored()).toBe(0);
    const job = await server.deps.stores.jobs.get(jobId(answers[0]?.id ?? ""));
    expect(job?.api?.input).toEqual({ type: "gone" });
    sizes.push(sizeOf());
  }
  expect(sizes[3]).toBeLessThan((sizes[2] ?? 0) * 1.5);
});

test("above its quota a tenant is told what to do, small inputs are taken, and there is room again when a job has ended", async () => {
  server = await startApiServer({ limits: { tenant: { ...fast, storedBytes: 10 * MB } } });
  const first = await post("run", inputOf(6 * MB));
  expect(first.code).toBe(200);
  const refused = await post("run", inputOf(6 * MB));
  expect(refused).toMatchObject({
    code: 429,
    retryAfterMs: 30_000,
    detail: expect.stringMatching(/acme has 6 MB .* may have 10 MB/),
  });
  expect((await post("run", inputOf(10_000))).code).toBe(200);
  expect((await post(`cancel/${first.id}`)).code).toBe(200);
  await until("room", async () => (await post("run", inputOf(6 * MB))).code === 200);
});

test("a failed job keeps its input for /retry, and nothing once it has ended for good", async () => {
  server = await startApiServer({ limits: { tenant: fast } });
  const { id } = await post("run", inputOf(2 * MB));
  await end(id, "FAILED");
  expect(await stored()).toBeGreaterThan(2 * MB);
  expect((await post(`retry/${id}`)).code).toBe(200);
  const again = await server.deps.stores.jobs.get(jobId(id));
  expect(again?.api && (await server.deps.apiStores.payloads.get(again.api.input))).toHaveLength(2 * MB + 2);
  // That of its first life is gone.
  expect(await stored()).toBe(2 * MB + 2);
  await end(id, "COMPLETED");
  expect(await stored()).toBe(0);
});

test("a crash before the input was removed leaves it to the reconciler", async () => {
  server = await startApiServer({ reconcileMs: 50, limits: { tenant: fast } });
  const { id } = await post("run", inputOf(2 * MB));
  await updateJob(server.deps.stores.jobs, jobId(id), (job) => endedApi(job, DONE, Date.now()));
  await until("the input to be removed", async () => (await stored()) === 0);
});

test("with a disk that is nearly full no job is taken, and one that is there can end", async () => {
  server = await startApiServer({ limits: { tenant: fast } });
  const { id } = await post("run", inputOf(1 * MB));
  const free = server.deps.storage;
  Object.assign(server.deps, { storage: { ...free, isDiskLow: () => true } });
  for (const bytes of [10, 100_000]) {
    const refused = await post("run", inputOf(bytes));
    expect(refused).toMatchObject({
      code: 503,
      retryAfterMs: 30_000,
      detail: expect.stringMatching(/disk is nearly full/),
    });
  }
  expect((await post(`cancel/${id}`)).code).toBe(200);
  expect(await stored()).toBe(0);
});

const DONE = { state: "COMPLETED", reason: "succeeded", message: "returned" } as const;

async function end(id: string, state: "FAILED" | "COMPLETED"): Promise<void> {
  const { deps } = server;
  const { item } = await updateJob(deps.stores.jobs, jobId(id), (job) =>
    endedApi(job, { ...DONE, state }, Date.now()),
  );
  if (item !== undefined) await noteEnd(deps, item);
}
