// Results of programs: what is kept, what cannot be, and whose word counts.
import { describe, expect, test } from "vitest";
import { retryJob } from "../../../../shared/usecases/client-plane/retry-job.ts";
import {
  LEAST_CHUNK_BYTES,
  MAX_STREAM_BYTES,
} from "../../../../shared/usecases/worker-plane/receive-chunk.ts";
import { receiveResult } from "../../../../shared/usecases/worker-plane/receive-result.ts";
import { KEY_CALLER } from "../../../domain/job/api-builders.ts";
import { apiJobOf, ENDPOINT_NAME } from "../../../fakes/api-world.ts";
import { MAX_OUTPUT_BYTES, MAX_RESULT_BYTES } from "../http-world.ts";
import { startedProgram } from "./started-program.ts";

describe("results", () => {
  test("an empty object is no output; an error's own output stays", async () => {
    const empty = await startedProgram();
    await empty.take();
    await empty.done({ output: {} });
    expect((await apiJobOf(empty.world, empty.job)).api.output).toBeUndefined();
    const failed = await startedProgram();
    await failed.take();
    await failed.done({ error: { code: 7 }, output: { p: 1 } });
    expect(await apiJobOf(failed.world, failed.job)).toMatchObject({
      state: "FAILED",
      api: { error: '{"code":7}', output: { json: '{"p":1}' } },
    });
  });

  test("one of some 100 kB is kept in parts", async () => {
    const { world, take, done, job } = await startedProgram();
    await take();
    await done({ output: "x".repeat(100_000) });
    const { output } = (await apiJobOf(world, job)).api;
    expect(output).toMatchObject({ type: "parts" });
    expect(await world.apiStores.payloads.get(output!)).toHaveLength(100_002);
  });

  test("one that is too large is refused, and its job has failed for that", async () => {
    const { world, take, done, job } = await startedProgram();
    await take();
    expect((await done({ output: "x".repeat(MAX_RESULT_BYTES) })).status).toBe(413);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", api: { error: /too large/ } });
  });

  test("one that could not be told in an answer, since escaping makes it longer, is refused too", async () => {
    const texts = (count: number) => Array.from({ length: count }, () => "a");
    const { world, take, done, job, state } = await startedProgram();
    await take();
    expect((await done({ status: "IN_PROGRESS", output: texts(36_000) })).status).toBe(200);
    expect(await state()).toBe("IN_PROGRESS");
    expect((await done({ output: texts(37_000) })).status).toBe(413);
    expect(await apiJobOf(world, job)).toMatchObject({
      state: "FAILED",
      end: { reason: "result-refused" },
      api: { error: expect.stringContaining(`${MAX_OUTPUT_BYTES} bytes as a text in JSON`) },
    });
  });

  test("a stream has an end: what comes after 100 MB is refused, and the result is taken all the same", async () => {
    const { world, take, stream, done, job, state } = await startedProgram();
    await take();
    const counted = async () => (await apiJobOf(world, job)).api.stream;
    expect((await stream({ output: 1 })).status).toBe(200);
    expect((await stream({ output: "\u20ac".repeat(1_000) })).status).toBe(200);
    expect(await counted()).toMatchObject({ written: 2, bytes: LEAST_CHUNK_BYTES + 3_002 });
    const before = await apiJobOf(world, job);
    const full = { written: 2, drained: 0, bytes: MAX_STREAM_BYTES - LEAST_CHUNK_BYTES };
    const api = { ...before.api, stream: full };
    await world.stores.jobs.replace({ ...before, version: before.version + 1, api });
    expect((await stream({ output: "last" })).status).toBe(200);
    expect((await stream({ output: "more" })).status).toBe(413);
    expect((await stream({ output: "and more" })).status).toBe(413);
    expect(await counted()).toEqual({ written: 4, drained: 0, bytes: MAX_STREAM_BYTES, full: true });
    expect(await world.apiStores.chunks.list(job, 1, 4, 4)).toEqual([expect.stringContaining("missing")]);
    expect(world.log.of("chunk-refused")).toMatchObject([{ job }]);
    expect((await done({ output: "result" })).status).toBe(200);
    expect(await state()).toBe("COMPLETED");
  });

  test("a chunk may be larger than RunPod's 1 MB; of one that is too large the stream says so in its place", async () => {
    const { world, take, stream, job } = await startedProgram({ maxOutputBytes: 5_000_000 });
    await take();
    const large = "x".repeat(3_900_000);
    expect((await stream({ output: large })).status).toBe(200);
    expect((await stream({ output: "x".repeat(4_000_000) })).status).toBe(413);
    expect((await stream({ output: '"'.repeat(1_900_000) })).status).toBe(413);
    expect((await stream({ output: "after" })).status).toBe(200);
    const [first, second, third, last] = await world.apiStores.chunks.list(job, 1, 1, 4);
    expect([first, last]).toEqual([JSON.stringify(large), '"after"']);
    expect(JSON.parse(second!).error).toContain("at most 4000000 bytes");
    expect(JSON.parse(third!).error).toContain("5000000 bytes as a text in JSON");
  });

  test("Python's NaN is not JSON: its job has failed for that", async () => {
    const { world, take, done, job } = await startedProgram();
    await take();
    expect((await done('{"output":{"loss":NaN}}')).status).toBe(400);
    expect(await apiJobOf(world, job)).toMatchObject({ state: "FAILED", api: { error: /NaN/ } });
  });

  test("a second one, and one for a job it never had, are answered 200 and ignored", async () => {
    const { world, take, done, job } = await startedProgram();
    await take();
    await done({ output: "first" });
    for (const id of [job, "gh-1", "no-such-job", "%25", "x".repeat(500)]) {
      expect((await done({ output: "second" }, id)).status, id).toBe(200);
    }
    expect((await apiJobOf(world, job)).api.output).toMatchObject({ json: '"first"' });
  });

  test("one of a former generation, from a worker that lost the job, is ignored", async () => {
    const { world, take, ping, done, job } = await startedProgram({ cards: 2 });
    await take();
    await ping(`&job_id=${job}`);
    world.clock.advance(7_200_000);
    await world.reconcile();
    expect((await apiJobOf(world, job)).state).toBe("TIMED_OUT");
    await retryJob(world.deps, KEY_CALLER, ENDPOINT_NAME, job);
    await world.settle();
    expect((await done({ output: "late" })).status).toBe(200);
    const again = await apiJobOf(world, job);
    expect(again).toMatchObject({ state: "IN_QUEUE", api: { generation: 2 } });
    expect(again.api.output).toBeUndefined();
  });
});

describe("an error of 400,000 characters is kept cut, and says so", () => {
  test.each([
    ["in one byte each", "x", /^Traceback x+… \(cut: it had 400010 characters\)$/],
    ["in two bytes each", "é", /^Traceback é+… /],
    ["that JSON escapes", '"', /^Traceback "+… /],
    ["in pairs", "😀", /^Traceback (?:😀)+… /u],
  ])("%s", async (_name, letter, form) => {
    const { world, worker, job, take } = await startedProgram();
    await take();
    const error = `Traceback ${letter.repeat(400_000 / letter.length)}`;
    expect(await receiveResult(world.deps, worker, job, { error })).toBe("heard");
    const { state, end, api } = await apiJobOf(world, job);
    expect([state, end?.reason]).toEqual(["FAILED", "worker-failed"]);
    expect(api.error).toMatch(form);
    const bytes = Buffer.byteLength(JSON.stringify(api.error));
    expect(bytes).toBeGreaterThan(60_000);
    expect(bytes).toBeLessThan(64_100);
  });
});
