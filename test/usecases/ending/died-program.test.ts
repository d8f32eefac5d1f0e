// A program that ends by itself: its job is told why, and is not run again.
import { expect, test } from "vitest";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import { aTemplate, POOL } from "../../domain/builders.ts";
import { apiJobOf, apiTemplate, programWorld, submit } from "../../fakes/api-world.ts";
import type { World } from "../../fakes/world.ts";

const SECOND_MS = 1_000;
const TRACEBACK = [
  "Traceback (most recent call last):",
  '  File "/handler.py", line 1',
  "ImportError: no npu",
];

async function started(world: World, { asks = false } = {}): Promise<{ job: JobId; worker: WorkerId }> {
  const job = await submit(world);
  await world.settle();
  const worker = world.workers.at(-1)!.id;
  if (asks) await world.step();
  return { job, worker };
}

async function afterwards(world: World, job: JobId) {
  for (let n = 0; n < 5; n++) {
    world.clock.advance(30 * SECOND_MS);
    await world.reconcile();
  }
  expect(world.faults).toEqual([]);
  return apiJobOf(world, job);
}

test("before it asked for a job: the end says so with its last lines, and it is started once", async () => {
  const world = programWorld();
  const { job, worker } = await started(world);
  for (const line of TRACEBACK) world.pool.print(worker, line);
  world.pool.exit(worker, 1);
  const ended = await afterwards(world, job);
  expect(ended).toMatchObject({ state: "FAILED", end: { reason: "program-died" }, starts: 1 });
  expect(ended.api.error).toContain("ended with exit code 1 before it asked for a job");
  expect(ended.api.error).toContain(TRACEBACK.join("\n"));
  expect(world.workers).toHaveLength(1);
});

test("in its first seconds with the job, before any ping: it is not run twice", async () => {
  const world = programWorld({ script: { program: { jobMs: 60 * SECOND_MS, silent: true } } });
  const { job, worker } = await started(world, { asks: true });
  const { lease } = (await world.stores.workers.get(worker))!;
  expect([lease?.jobId, lease?.ackedAt]).toEqual([job, undefined]);
  world.pool.exit(worker, 139);
  const ended = await afterwards(world, job);
  expect(ended).toMatchObject({ state: "FAILED", end: { reason: "program-died" } });
  expect(ended.api.error).toContain("in the middle of the job");
  expect(world.workers).toHaveLength(1);
});

test("killed for lack of memory with the job: not run twice either", async () => {
  const world = programWorld({ script: { program: { jobMs: 60 * SECOND_MS, silent: true } } });
  const { job, worker } = await started(world, { asks: true });
  world.pool.crash(worker, "was killed for lack of memory");
  const ended = await afterwards(world, job);
  expect(ended).toMatchObject({ state: "FAILED", end: { reason: "worker-lost" } });
  expect(ended.api.error).toContain("lack of memory");
  expect(world.workers).toHaveLength(1);
});

test("killed before it asked for one: that was not its own doing, and it is started again", async () => {
  const world = programWorld();
  const { job, worker } = await started(world);
  world.pool.exit(worker, 137);
  expect(await afterwards(world, job)).not.toMatchObject({ state: "FAILED" });
  expect(world.workers.length).toBeGreaterThan(1);
});

test("a warm one that dies before it is given the job that it is bound to: another is started", async () => {
  const world = programWorld({ script: { program: { jobMs: SECOND_MS } } });
  const { worker } = await started(world, { asks: true });
  world.clock.advance(5 * SECOND_MS);
  await world.step();
  const next = await submit(world);
  await world.settle();
  expect((await apiJobOf(world, next)).workerId).toBe(worker);
  world.pool.exit(worker, 1);
  await afterwards(world, next);
  expect(world.workers.length).toBeGreaterThan(1);
});

test("no secret of the worker stands in what it said last", async () => {
  const secrets = { HF_TOKEN: "LLM_HF_TOKEN" };
  const template = aTemplate({ ...apiTemplate("program"), secrets });
  const world = programWorld({ templates: [template] });
  Object.assign(world.deps, {
    workerEnv: () => ({ RUNPOD_AI_API_KEY: "token-of-the-worker", HF_TOKEN: "hf_of-the-operator" }),
  });
  const { job, worker } = await started(world);
  world.pool.print(worker, "headers: token-of-the-worker hf_of-the-operator");
  world.pool.exit(worker, 1);
  const ended = await afterwards(world, job);
  expect(ended.api.error).toContain("headers: *** ***");
  expect(JSON.stringify([world.log.entries, await world.stores.workers.live(POOL)])).not.toContain("hf_of");
});
