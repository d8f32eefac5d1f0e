// What programs are answered over HTTP, call by call: parking, polls, deliveries, the end of a worker.
import { describe, expect, test } from "vitest";
import { CLOCK_SKEW_MS } from "../../../../shared/domain/deadlines.ts";
import type { JobId } from "../../../../shared/domain/ids.ts";
import { jobsToStop, takenJob } from "../../../../shared/protocol/worker-plane.ts";
import { cancelJob } from "../../../../shared/usecases/client-plane/cancel-job.ts";
import { statusOf } from "../../../../shared/usecases/client-plane/job-status.ts";
import { updateJob } from "../../../../shared/usecases/update.ts";
import { KEY_CALLER } from "../../../domain/job/api-builders.ts";
import { apiJobOf, ENDPOINT_NAME, submit } from "../../../fakes/api-world.ts";
import { call } from "../http-world.ts";
import type { Program } from "./started-program.ts";
import { startedProgram } from "./started-program.ts";

test("a job comes with RunPod's keys and none of ours", async () => {
  const { world, take, job, state } = await startedProgram();
  world.clock.advance(1_500);
  const answer = await take();
  const body = takenJob.parse(await answer.json());
  expect(body).toEqual({
    id: job,
    input: { of: job },
    webhook: "https://hooks.example/done",
    retries: 0,
    delayTime: 1_500,
  });
  expect(answer.headers.get("connection")).toBe("close");
  expect(await state()).toBe("IN_PROGRESS");
});

test("storage settings reach the worker as they were sent, and nobody else", async () => {
  const s3Config = { accessId: "id", accessSecret: "planted-storage-secret", bucketName: "b" };
  const sealed = (world: Program["world"], id: JobId) => world.deps.seal.seal(id, JSON.stringify(s3Config));
  const { world, take, job } = await startedProgram();
  await updateJob(world.stores.jobs, job, (current) => ({
    ...current,
    version: current.version + 1,
    api: { ...current.api!, sealedS3Config: sealed(world, job) },
  }));
  expect(takenJob.parse(await (await take()).json()).s3Config).toEqual(s3Config);
  const status = await statusOf(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
  expect(JSON.stringify([status, world.log.entries])).not.toContain("planted-storage-secret");
});

test("a batch is a list of one", async () => {
  const { batch, job } = await startedProgram();
  expect(await (await batch()).json()).toMatchObject([{ id: job }]);
});

describe("a worker without work", () => {
  test("is parked by 429 where nothing is held", async () => {
    const { take, done, batch, stops } = await startedProgram();
    await take();
    await done({ output: 1 });
    for (const answer of [await take(), await batch(), await stops()]) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "5"]);
    }
  });

  test("is held, then answered 204", async () => {
    const { take, done, stops } = await startedProgram({ holdMs: 300 });
    await take();
    await done({ output: 1 });
    const since = performance.now();
    expect((await take()).status).toBe(204);
    expect((await stops()).status).toBe(204);
    expect(performance.now() - since).toBeGreaterThan(550);
  });

  test("gets a job that comes while its poll is held", async () => {
    const { world, take, done } = await startedProgram({ holdMs: 5_000 });
    await take();
    await done({ output: 1 });
    const poll = take();
    const next = await submit(world);
    await world.settle();
    expect(await (await poll).json()).toMatchObject({ id: next });
    expect(world.pool.started).toHaveLength(1);
  });

  test("is let go at once when it is to end: RunPod's SDK leaves only when its poll returns", async () => {
    const { world, take, done } = await startedProgram({ holdMs: 20_000 });
    await take();
    await done({ output: 1 });
    const poll = take();
    world.clock.advance(3_600_000);
    await world.reconcile();
    const since = performance.now();
    expect((await poll).status).toBe(204);
    expect(performance.now() - since).toBeLessThan(2_000);
  });

  test("that has closed its poll is given nothing", async () => {
    const { world, take, done, record } = await startedProgram({ holdMs: 5_000 });
    await take();
    await done({ output: 1 });
    const closing = new AbortController();
    const poll = take("job_in_progress=0", { signal: closing.signal });
    closing.abort();
    await poll;
    await submit(world);
    await world.settle();
    expect((await record()).lease).toBeUndefined();
  });
});

describe("a job that was given", () => {
  test("is given again until something shows that it has arrived", async () => {
    const { take, job } = await startedProgram();
    for (let n = 0; n < 5; n++) expect(await (await take()).json()).toMatchObject({ id: job });
  });

  test("and never arrives has failed in the end, so that no worker asks for it for ever", async () => {
    const { world, take, job } = await startedProgram();
    for (let n = 0; n < 6; n++) await take();
    expect(await apiJobOf(world, job)).toMatchObject({
      state: "FAILED",
      api: { error: /given the job 5 times/ },
    });
  });

  test.each([
    ["a ping", (p: Program) => p.ping(`&job_id=other,${p.job}`)],
    ["progress", (p: Program) => p.done({ status: "IN_PROGRESS", output: 0.5 })],
    ["a chunk", (p: Program) => p.stream({ output: "a" })],
    ["a poll beside it", (p: Program) => p.take("job_in_progress=1")],
  ])("has arrived after %s", async (_name, show) => {
    const program = await startedProgram();
    await program.take();
    await show(program);
    expect(await program.record()).toMatchObject({ state: "running", lease: { jobId: program.job } });
    // An ask that may have been under way says nothing.
    await program.take();
    expect(await program.state()).toBe("IN_PROGRESS");
    program.world.clock.advance(CLOCK_SKEW_MS);
    await program.take();
    expect(await program.state()).toBe("FAILED");
  });

  test("and is missing in pings for two intervals has lost its result", async () => {
    const { world, take, ping, job, state } = await startedProgram();
    await take();
    await ping(`&job_id=${job}`);
    world.clock.advance(CLOCK_SKEW_MS);
    await ping();
    world.clock.advance(10_000);
    await ping();
    expect(await state()).toBe("IN_PROGRESS");
    world.clock.advance(10_000);
    await ping();
    expect(await apiJobOf(world, job)).toMatchObject({
      state: "FAILED",
      api: { error: /no longer knew of it/ },
    });
  });

  test("one ping that was under way before it arrived is no sign of loss", async () => {
    const { world, take, ping, job, state } = await startedProgram();
    await take();
    await ping(`&job_id=${job}`);
    world.clock.advance(CLOCK_SKEW_MS);
    await ping();
    await ping(`&job_id=${job}`);
    world.clock.advance(60_000);
    await ping();
    expect(await state()).toBe("IN_PROGRESS");
  });
});

describe("the end", () => {
  test("of a job that was too short for any ping leaves the worker for the next", async () => {
    const { world, take, done, record } = await startedProgram();
    await take();
    await done({ output: 1 });
    await world.settle();
    expect((await record()).state).toBe("listening");
    const next = await submit(world);
    await world.settle();
    expect(await (await take()).json()).toMatchObject({ id: next });
  });

  test("stopPod ends the worker: it is let go and asks in vain", async () => {
    const { world, take, done, record } = await startedProgram({ holdMs: 50 });
    await take();
    await done({ output: 1, stopPod: true });
    expect((await record()).state).toBe("finished");
    await submit(world);
    expect((await take()).status).toBe(204);
  });

  test("a cancelled job is named to its worker's stop poll", async () => {
    const { world, take, ping, stops, job } = await startedProgram();
    await take();
    await ping(`&job_id=${job}`);
    await cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
    await world.settle();
    expect(jobsToStop.parse(await (await stops()).json())).toEqual({ jobsToStop: [job] });
  });

  test("a cancelled job ends its worker even before the first ping that names it", async () => {
    const { world, take, worker, job } = await startedProgram();
    await take();
    await cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
    await world.settle();
    expect(world.pool.stops.map((stop) => stop.workerId)).toContain(worker);
  });

  test("should the change be lost, a ping ends the worker of a cancelled job", async () => {
    const { world, take, ping, job, record } = await startedProgram();
    await take();
    await ping(`&job_id=${job}`);
    world.stream = "lost";
    await cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
    await world.settle();
    await ping(`&job_id=${job}`);
    expect((await record()).state).toBe("lost");
  });

  test("an unhealthy worker is ended, and its job starts again elsewhere", async () => {
    const { world, ping, record, state } = await startedProgram();
    await ping("&status=unhealthy&check=memory&reason=2%20GB%20free");
    expect(await record()).toMatchObject({ state: "finished", report: { message: /memory: 2 GB free/ } });
    await world.settle();
    expect(await state()).toBe("IN_QUEUE");
  });

  test("a stranger's token opens neither polls nor streams", async () => {
    const { world, worker, job } = await startedProgram();
    for (const path of [`job-take-batch/${worker}`, `job-stop/${worker}`]) {
      const answer = await call(world, "no", "GET", `/v2/${ENDPOINT_NAME}/${path}`);
      expect(await answer.json()).toMatchObject({ title: "Unauthorized", status: 429 });
    }
    const stream = `/v2/${ENDPOINT_NAME}/job-stream/${worker}/${job}`;
    expect((await call(world, undefined, "POST", stream, { body: "{}" })).status).toBe(401);
  });
});
