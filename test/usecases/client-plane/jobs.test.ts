// Status, long polls, streams, cancel, retry, purge, health and requests, as a client sees them.
import { describe, expect, test } from "vitest";
import { createJobWatches } from "../../../shared/adapters/store/job-watches.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { PartsPayload } from "../../../shared/domain/job/payload.ts";
import { StoredJson } from "../../../shared/domain/job/payload.ts";
import { awaitStatus } from "../../../shared/usecases/client-plane/await-status.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { drainStream } from "../../../shared/usecases/client-plane/drain-stream.ts";
import { statusOf } from "../../../shared/usecases/client-plane/job-status.ts";
import { listRequests } from "../../../shared/usecases/client-plane/list-requests.ts";
import { purgeQueue } from "../../../shared/usecases/client-plane/purge-queue.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { updateJob } from "../../../shared/usecases/update.ts";
import { TENANT } from "../../domain/builders.ts";
import { KEY_CALLER, OIDC_CALLER } from "../../domain/job/api-builders.ts";
import type { ApiWorld } from "./api-world.ts";
import { createApiWorld, ECHO, end, jobOf, run, start } from "./api-world.ts";

const COMPLETED = { state: "COMPLETED", reason: "succeeded", message: "returned" } as const;
const STRANGER = { ...KEY_CALLER, tenant: "1" as never };
const never = new AbortController().signal;

describe("status", () => {
  test("with the output, however large, until it is forgotten", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    await start(world, id);
    world.clock.advance(4_000);
    const json = JSON.stringify("x".repeat(1_000_000));
    const output = await world.apiStores.payloads.put("out", json, world.now() + 3_600_000, TENANT);
    await end(world, id, { ...COMPLETED, output });
    const status = await statusOf(world.deps, KEY_CALLER, ECHO, id);
    expect(status).toMatchObject({ id, status: "COMPLETED", delayTime: 0, executionTime: 4_000 });
    // Whoever answers takes it from the store.
    expect(status?.output).toEqual(new StoredJson(output as PartsPayload));
    expect(await world.apiStores.payloads.get(output)).toBe(json);
    world.clock.advance(1_800_000);
    expect(await statusOf(world.deps, KEY_CALLER, ECHO, id)).toBeUndefined();
    expect(await retryJob(world.deps, KEY_CALLER, ECHO, id)).toBeUndefined();
  });

  test.each(["nothing", "", "../x", "x".repeat(81), "gh-1"])("of %j is nobody's", async (id) => {
    expect(await statusOf(createApiWorld().deps, KEY_CALLER, ECHO, id)).toBeUndefined();
  });

  test("of another's job is as if there were none, for every call", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    for (const caller of [STRANGER, OIDC_CALLER]) {
      expect(await statusOf(world.deps, caller, ECHO, id)).toBeUndefined();
      expect(await cancelJob(world.deps, caller, ECHO, id)).toBeUndefined();
      expect(await retryJob(world.deps, caller, ECHO, id)).toBeUndefined();
      expect(await awaitStatus(world.deps, caller, ECHO, id, 1_000, never)).toBeUndefined();
      expect(await drainStream(world.deps, caller, ECHO, id, 1_000, never)).toBeUndefined();
      expect(await purgeQueue(world.deps, caller, ECHO)).toEqual({ removed: 0 });
      expect(await listRequests(world.deps, caller, ECHO)).toEqual({ requests: [] });
    }
    expect((await jobOf(world, id)).version).toBe(1);
  });
});

/** Its waits take no time but the clock's. */
function walking(world: ApiWorld, onWait: () => Promise<void> = async () => {}) {
  const waits: number[] = [];
  const next = async (ms: number) => {
    waits.push(ms);
    world.clock.advance(ms);
    await onWait();
  };
  const watches = { paceMs: 1_000, watch: () => ({ next, close: () => waits.push(-1) }) };
  return { deps: { ...world.deps, watches }, waits };
}

describe("a long poll", () => {
  test("ends when the job does", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    const { deps, waits } = walking(world, () => end(world, id));
    const status = await awaitStatus(deps, KEY_CALLER, ECHO, id, 90_000, never);
    expect(status).toMatchObject({ status: "FAILED", error: "raised" });
    expect(waits).toEqual([1_000, -1]);
  });

  test("ends when its time is over, with the state as it is, and looks at a bounded pace", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    const { deps, waits } = walking(world);
    expect(await awaitStatus(deps, KEY_CALLER, ECHO, id, 2_500, never)).toMatchObject({ status: "IN_QUEUE" });
    expect(waits).toEqual([1_000, 1_000, 500, -1]);
  });

  test("ends when its caller has gone", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    const caller = new AbortController();
    const { deps, waits } = walking(world, async () => caller.abort());
    await awaitStatus(deps, KEY_CALLER, ECHO, id, 90_000, caller.signal);
    expect(waits).toEqual([1_000, -1]);
  });

  test("in one process is woken by the write itself", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    const watches = createJobWatches();
    const polled = awaitStatus({ ...world.deps, watches }, KEY_CALLER, ECHO, id, 60_000, never);
    const began = performance.now();
    await cancelJob(world.deps, KEY_CALLER, ECHO, id);
    watches.notice({ kind: "job", job: await jobOf(world, id) });
    expect(await polled).toMatchObject({ status: "CANCELLED" });
    expect(performance.now() - began).toBeLessThan(watches.paceMs);
  });

  test("elsewhere looks twice a second, and stops at once when its caller goes", async () => {
    const world = createApiWorld();
    const { id } = await run(world);
    const caller = new AbortController();
    const polled = awaitStatus(world.deps, KEY_CALLER, ECHO, id, 60_000, caller.signal);
    setTimeout(() => caller.abort(), 20);
    expect(await polled).toMatchObject({ status: "IN_QUEUE" });
    const again = awaitStatus(world.deps, KEY_CALLER, ECHO, id, 60_000, never);
    await end(world, id, COMPLETED);
    expect(await again).toMatchObject({ status: "COMPLETED" });
  });
});

describe("a stream", () => {
  async function write(world: ApiWorld, job: Job, chunks: readonly unknown[]): Promise<void> {
    const { written = 0 } = (await jobOf(world, job.id)).api?.stream ?? {};
    for (const [index, chunk] of chunks.entries()) {
      const json = JSON.stringify(chunk);
      await world.apiStores.chunks.put(job.id, 1, written + index + 1, json, world.now() + 3_600_000);
    }
    await updateJob(world.stores.jobs, job.id, (current) => ({
      ...current,
      version: current.version + 1,
      api: { ...current.api!, stream: { ...current.api!.stream, written: written + chunks.length } },
    }));
  }

  const drain = (world: ApiWorld, job: Job) => drainStream(world.deps, KEY_CALLER, ECHO, job.id, 0, never);
  const outputs = (answer: { stream: readonly { output: unknown }[] } | undefined) =>
    answer?.stream.map(({ output }) => output);

  test("hands out each chunk once, also after the end", async () => {
    const world = createApiWorld();
    const job = await run(world);
    await start(world, job.id);
    expect(await drain(world, job)).toEqual({ status: "IN_PROGRESS", stream: [] });
    await write(world, job, [1, "two"]);
    expect(await drain(world, job)).toEqual({
      status: "IN_PROGRESS",
      stream: [{ output: 1 }, { output: "two" }],
    });
    await write(world, job, [{ n: 3 }]);
    await end(world, job.id, COMPLETED);
    expect(await drain(world, job)).toEqual({ status: "COMPLETED", stream: [{ output: { n: 3 } }] });
    expect(await drain(world, job)).toEqual({ status: "COMPLETED", stream: [] });
  });

  test("of several MB comes in answers that fit, and ends with the last of them", async () => {
    const world = createApiWorld();
    const job = await run(world);
    const large = Array.from({ length: 40 }, (_, n) => `${n} ${"x".repeat(200_000)}`);
    await write(world, job, large);
    await end(world, job.id, COMPLETED);
    const answers = [await drain(world, job), await drain(world, job), await drain(world, job)];
    expect(answers.map((answer) => answer?.status)).toEqual(["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]);
    expect(answers.flatMap(outputs)).toEqual(large);
  });

  test.each([
    ["large ones", "x".repeat(900_000)],
    ["what escaping makes twice as long", "".padEnd(400_000, '"')],
    ["characters of three bytes", "\u20ac".repeat(300_000)],
  ])(
    "no answer is above what a Lambda may give: %s; a chunk is marked with its answer only",
    async (_name, chunk) => {
      const world = createApiWorld();
      const job = await run(world);
      await write(
        world,
        job,
        Array.from({ length: 10 }, () => chunk),
      );
      await end(world, job.id, COMPLETED);
      let handedOut = 0;
      for (let answers = 0; handedOut < 10; answers++) {
        const answer = await drain(world, job);
        expect(Buffer.byteLength(JSON.stringify(JSON.stringify(answer)))).toBeLessThan(5_000_000);
        handedOut += answer?.stream.length ?? 0;
        expect((await jobOf(world, job.id)).api?.stream.drained).toBe(handedOut);
        expect(answers).toBeLessThan(10);
      }
    },
  );

  test("goes on behind chunks that have expired, and counts them as handed out", async () => {
    const world = createApiWorld();
    const job = await run(world);
    await write(world, job, ["gone", "gone", "x".repeat(3_900_000)]);
    world.clock.advance(3_600_000);
    await write(world, job, ["y".repeat(200_000)]);
    const lengths = async () => outputs(await drain(world, job))?.map((text) => (text as string).length);
    expect(await lengths()).toEqual([200_000]);
    expect((await jobOf(world, job.id)).api?.stream.drained).toBe(4);
  });

  test("of two callers each chunk goes to one", async () => {
    const world = createApiWorld();
    const job = await run(world);
    await write(world, job, [1, 2, 3]);
    const answers = await Promise.all([drain(world, job), drain(world, job)]);
    expect(answers.flatMap(outputs)).toEqual([1, 2, 3]);
  });

  test("waits for a chunk", async () => {
    const world = createApiWorld();
    const job = await run(world);
    const { deps, waits } = walking(world, () => write(world, job, ["late"]));
    const answer = await drainStream(deps, KEY_CALLER, ECHO, job.id, 10_000, never);
    expect(outputs(answer)).toEqual(["late"]);
    expect(waits).toEqual([1_000, -1]);
  });
});
