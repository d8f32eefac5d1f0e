// The traps of RunPod's worker protocol, each met by a real process that behaves as its Python SDK does.
import { describe, expect, test } from "vitest";
import { CLOCK_SKEW_MS } from "../../../../shared/domain/deadlines.ts";
import type { JobId } from "../../../../shared/domain/ids.ts";
import { isTerminal } from "../../../../shared/domain/job/job.ts";
import { cancelJob } from "../../../../shared/usecases/client-plane/cancel-job.ts";
import { KEY_CALLER } from "../../../domain/job/api-builders.ts";
import { until } from "../../../e2e/until.ts";
import { apiJobOf, ENDPOINT_NAME, submit } from "../../../fakes/api-world.ts";
import type { World } from "../../../fakes/world.ts";
import { hostPrograms } from "./program-process.ts";

/** Submits a job that does as `input` says, and starts the worker for it. */
async function ask(world: World, input: unknown): Promise<JobId> {
  const id = await submit(world, { input: { type: "inline", json: JSON.stringify(input) } });
  await world.settle();
  return id;
}

async function ended(world: World, id: JobId) {
  await until(`the end of ${id}`, async () => isTerminal(await apiJobOf(world, id)), { limitMs: 15_000 });
  const job = await apiJobOf(world, id);
  const { output } = job.api;
  const json = output === undefined ? undefined : await world.apiStores.payloads.get(output);
  return {
    state: job.state,
    error: job.api.error,
    output: json === undefined ? undefined : JSON.parse(json),
  };
}

const firstOf = (world: World) => world.pool.started[0]!.workerId;

test("1: a handler that blocks for longer than a keep-alive socket lives loses no result", async () => {
  await using host = await hostPrograms();
  const id = await ask(host.world, { blockMs: 600, output: { answer: 42 } });
  const program = await host.run(firstOf(host.world));
  expect(await ended(host.world, id)).toMatchObject({ state: "COMPLETED", output: { answer: 42 } });
  expect(program.lines).toEqual([]);
});

test("2: JSON labelled as a form, chunks and all", async () => {
  await using host = await hostPrograms();
  const id = await ask(host.world, { chunks: ["a", { b: 1 }], output: [] });
  await host.run(firstOf(host.world));
  expect(await ended(host.world, id)).toMatchObject({ state: "COMPLETED", output: [] });
  expect(await host.world.apiStores.chunks.list(id, 1, 1, 2)).toEqual(['"a"', '{"b":1}']);
  expect((await apiJobOf(host.world, id)).api.stream.written).toBe(2);
});

test("7: a template without a question mark glues the SDK's parameters to the path", async () => {
  await using host = await hostPrograms();
  const id = await ask(host.world, { output: "glued" });
  const worker = firstOf(host.world);
  const plane = `${host.url}/v2/kandinsky`;
  await host.run(worker, {
    RUNPOD_WEBHOOK_GET_JOB: `${plane}/job-take/$ID`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${plane}/job-done/$RUNPOD_POD_ID/$ID`,
    RUNPOD_WEBHOOK_PING: `${plane}/ping/$RUNPOD_POD_ID`,
  });
  expect(await ended(host.world, id)).toMatchObject({ state: "COMPLETED", output: "glued" });
});

test("8: a poll whose socket has closed gets nothing; what it missed goes to the next poll", async () => {
  await using host = await hostPrograms({ holdMs: 10_000 });
  const { world } = host;
  const first = await ask(world, { output: 1 });
  const worker = firstOf(world);
  const program = await host.run(worker);
  await ended(world, first);
  // Killed while its poll is held: the socket closes, and no process will read what comes now.
  program.kill("SIGKILL");
  await program.exited;
  await until("the closed poll", () => host.connections().then((open) => open === 0));
  const second = await ask(world, { output: 2 });
  expect((await apiJobOf(world, second)).state).toBe("IN_QUEUE");
  await host.run(worker);
  expect(await ended(world, second)).toMatchObject({ state: "COMPLETED", output: 2 });
});

test("11: after stopPod the worker is ended, gets nothing more, and its cards go to the next", async () => {
  await using host = await hostPrograms();
  const { world } = host;
  const [first, second] = [await ask(world, { output: 1 }), await ask(world, { output: 2 })];
  const program = await host.run(firstOf(world), { SDK_REFRESH_WORKER: "1" });
  expect(await ended(world, first)).toMatchObject({ state: "COMPLETED", output: 1 });
  expect(await program.exited).toBe(0);
  await until("the second worker", async () => {
    await world.settle();
    return world.pool.started.length === 2;
  });
  await host.run(world.pool.started[1]!.workerId, { SDK_REFRESH_WORKER: "1" });
  expect(await ended(world, second)).toMatchObject({ state: "COMPLETED", output: 2 });
});

test("12: progress after the result changes nothing", async () => {
  await using host = await hostPrograms();
  const id = await ask(host.world, { progress: "half", output: "whole", lateProgress: "half again" });
  await host.run(firstOf(host.world));
  expect(await ended(host.world, id)).toMatchObject({ state: "COMPLETED", output: "whole" });
  // The next job shows that the late progress has been answered.
  const next = await ask(host.world, { output: "next" });
  expect(await ended(host.world, next)).toMatchObject({ state: "COMPLETED" });
  expect(await ended(host.world, id)).toMatchObject({ state: "COMPLETED", output: "whole" });
});

test("13: pings of a worker whose container has ended do not keep its job", async () => {
  await using host = await hostPrograms();
  const { world } = host;
  const id = await ask(world, { workMs: 60_000 });
  const worker = firstOf(world);
  await host.run(worker);
  await until("its job", async () => (await world.stores.workers.get(worker))?.state === "running");
  // The pool says so while the process, and its pings with it, goes on.
  world.pool.crash(worker);
  await world.reconcile();
  expect(await ended(world, id)).toMatchObject({ state: "FAILED" });
  expect((await world.stores.workers.get(worker))?.state).toBe("released");
});

describe("beyond the traps", () => {
  test("one program serves one job after the other, in lists too", async () => {
    await using host = await hostPrograms();
    const { world } = host;
    const ids = [await ask(world, { output: 1 }), await ask(world, { output: 2 }), await ask(world, {})];
    await host.run(firstOf(world), { SDK_BATCH: "1" });
    const ends = [];
    for (const id of ids) ends.push(await ended(world, id));
    expect(ends.map(({ state }) => state)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED"]);
    expect(ends.map(({ output }) => output)).toEqual([1, 2, undefined]);
    expect(world.pool.started).toHaveLength(1);
  });

  test("a handler's error is the job's", async () => {
    await using host = await hostPrograms();
    const id = await ask(host.world, { error: '{"error_type":"<class \'ValueError\'>"}' });
    await host.run(firstOf(host.world));
    expect(await ended(host.world, id)).toMatchObject({
      state: "FAILED",
      error: '{"error_type":"<class \'ValueError\'>"}',
    });
  });

  test("a result that was lost on its way fails the job as soon as the worker asks for the next", async () => {
    await using host = await hostPrograms();
    const id = await ask(host.world, { progress: 1, forget: true });
    const worker = firstOf(host.world);
    await host.run(worker);
    await until("its job", async () => (await host.world.stores.workers.get(worker))?.state === "running");
    host.world.clock.advance(CLOCK_SKEW_MS);
    const end = await ended(host.world, id);
    expect(end.state).toBe("FAILED");
    expect(end.error).toMatch(/the result was lost/);
  });

  test("a cancelled job is stopped through the stop channel while the pool sends TERM", async () => {
    await using host = await hostPrograms();
    const { world } = host;
    const id = await ask(world, { workMs: 60_000 });
    const worker = firstOf(world);
    const program = await host.run(worker, { SDK_STOP_CHANNEL: "1" });
    await until("its job", async () => (await world.stores.workers.get(worker))?.state === "running");
    await cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, id);
    await world.settle();
    await until("the stop", () => program.lines.includes(`stopped ${id}`));
    expect(world.pool.stops).toMatchObject([{ workerId: worker, graceMs: 30_000 }]);
  });
});
