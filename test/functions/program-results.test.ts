// Results of programs: what is kept, what cannot be, and whose word counts.
import { describe, expect, test } from "vitest";
import { retryJob } from "../../shared/usecases/api/retry-job.ts";
import { KEY_CALLER } from "../domain/api-builders.ts";
import { apiJobOf, ENDPOINT_NAME } from "../fakes/api-world.ts";
import { MAX_RESULT_BYTES } from "./http-world.ts";
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
