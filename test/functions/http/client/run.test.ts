// /run and /runsync: what becomes a job, what is refused, and when the answer comes.
import { describe, expect, test } from "vitest";
import { inlinePayload } from "../../../../shared/domain/job/payload.ts";
import { createClientWorld, ECHO, MAX_INPUT_BYTES, RUNNER } from "./client-world.ts";

const at = `/v2/${ECHO}`;

describe("run", () => {
  test("a job is queued and named at once", async () => {
    const world = await createClientWorld();
    const { status, body } = await world.call("POST", `${at}/run`, { body: { input: { prompt: "hi" } } });
    expect([status, body]).toEqual([
      200,
      { id: expect.stringMatching(/^[0-9a-f-]{36}-e1$/), status: "IN_QUEUE" },
    ]);
    expect((await world.job(body["id"] as string)).api?.input).toEqual(inlinePayload('{"prompt":"hi"}'));
    expect(world.log.of("api-job-accepted")).toMatchObject([{ job: body["id"], endpoint: ECHO }]);
  });

  test("an input that no answer could give a worker is refused, though its bytes are few", async () => {
    const world = await createClientWorld();
    const ask = (quotes: number) => world.call("POST", `${at}/run`, { body: { input: '"'.repeat(quotes) } });
    // As JSON in JSON a quote is four bytes.
    expect((await ask(MAX_INPUT_BYTES / 4 - 10)).status).toBe(200);
    const { status, body } = await ask(MAX_INPUT_BYTES / 4);
    expect([status, body["detail"]]).toEqual([
      413,
      expect.stringContaining(`${MAX_INPUT_BYTES} bytes as a text`),
    ]);
  });

  test("a runner's job names the label that only its runner has", async () => {
    const world = await createClientWorld();
    const { body } = await world.call("POST", `/v2/${RUNNER}/run`, { body: { input: {} } });
    expect(body).toMatchObject({
      status: "IN_QUEUE",
      label: expect.stringMatching(/^npud-job-[a-z0-9]{12}$/),
    });
  });

  test("a repository that the tenant's policy does not list is a 403 that says what to change", async () => {
    const world = await createClientWorld({ repositories: ["kernels"] });
    const { status, body } = await world.call("POST", `/v2/${RUNNER}/run`, {
      body: { input: { github_org: "acme/website" } },
    });
    expect([status, body["detail"]]).toEqual([403, expect.stringContaining("add website there")]);
    expect(world.log.of("client-call-rejected")).toMatchObject([{ status: 403 }]);
  });

  test("further labels are its runner's, but not those of other endpoints or of hosted runners", async () => {
    const world = await createClientWorld();
    const ask = (labels: unknown) =>
      world.call("POST", `/v2/${RUNNER}/run`, { body: { input: { labels, n: 1 } } });
    const { body } = await ask(["my-tests", "large"]);
    const { api } = await world.job(body["id"] as string);
    expect(api?.runner?.labels).toEqual(["my-tests", "large"]);
    expect(api?.input).toEqual(inlinePayload('{"n":1}'));
    for (const labels of [["ubuntu-latest"], ["npud-job-000000000000"], ["a,b"], [""], "one", [7]]) {
      expect((await ask(labels)).status, String(labels)).toBe(400);
    }
  });

  test("an API key's job is bound to the run that our actions name, within the key's own tenant", async () => {
    const world = await createClientWorld();
    const runOf = async (header: string) => {
      const headers = { "x-workflow-run": header };
      const { body } = await world.call("POST", `/v2/${RUNNER}/run`, { body: { input: {} }, headers });
      return (await world.job(body["id"] as string)).api?.run;
    };
    expect(await runOf("Acme/kernels/7001/2")).toMatchObject({
      repo: "kernels",
      runId: 7_001,
      runAttempt: 2,
    });
    for (const header of ["other/kernels/7001/2", "Acme/kernels/7001", "Acme/ker nels/1/1", ""]) {
      expect(await runOf(header), header).toBeUndefined();
    }
  });

  test("the same key and body is the same job, another body is refused, an odd key too", async () => {
    const world = await createClientWorld();
    const run = (input: unknown, key: string) =>
      world.call("POST", `${at}/run`, { body: { input }, headers: { "idempotency-key": key } });
    const first = await run(1, "build-7");
    expect((await run(1, "build-7")).body["id"]).toBe(first.body["id"]);
    expect((await run(1, "build-8")).body["id"]).not.toBe(first.body["id"]);
    expect((await run(2, "build-7")).status).toBe(409);
    expect((await run(1, "")).status).toBe(400);
    expect((await run(1, "k".repeat(256))).status).toBe(400);
  });

  test.each([
    ["github_pat_secret", "not JSON"],
    ["{}", "input"],
    ['{"input":{},"policy":{"ttl":1}}', "policy.ttl"],
  ])("%s is a bad request", async (body, word) => {
    const world = await createClientWorld();
    const { status, body: refusal } = await world.call("POST", `${at}/run`, { body });
    expect([status, refusal["detail"]]).toEqual([400, expect.stringContaining(word)]);
    expect(JSON.stringify(refusal)).not.toContain("github_pat_secret");
  });

  test("an organization that would be shell is a bad request", async () => {
    const world = await createClientWorld();
    const body = { input: { github_org: "acme; id > pwned.txt; true", github_pat: "ghp_abc" } };
    const { status, body: refusal } = await world.call("POST", `/v2/${RUNNER}/run`, { body });
    expect(status).toBe(400);
    expect(JSON.stringify(refusal)).not.toContain("ghp_abc");
  });

  test("above the limit it is 413 with the limit, on /runsync later than on /run", async () => {
    const world = await createClientWorld({
      plane: { limits: { runBytes: 100, runsyncBytes: 200, holdMs: 10 } },
    });
    const body = { input: "x".repeat(150) };
    const refused = await world.call("POST", `${at}/run`, { body });
    expect([refused.status, refused.body["detail"]]).toEqual([413, expect.stringContaining("100 bytes")]);
    expect((await world.call("POST", `${at}/runsync`, { body })).status).toBe(200);
    expect((await world.call("POST", `${at}/runsync`, { body: { input: "x".repeat(250) } })).status).toBe(
      413,
    );
  });
});

describe("runsync", () => {
  test("answers with the end when it comes in time", async () => {
    const world = await createClientWorld({ plane: { limits: limits(5_000) } });
    const answer = world.call("POST", `${at}/runsync?wait=5000`, { body: { input: 1 } });
    await expect.poll(() => world.log.of("api-job-accepted").length).toBe(1);
    const id = world.log.of("api-job-accepted")[0]!.job!;
    await world.start(id);
    await world.end(id, { output: { answer: 42 } });
    expect((await answer).body).toMatchObject({ id, status: "COMPLETED", output: { answer: 42 } });
    expect(id).toMatch(/^sync-/);
  });

  test("answers with the present state when it does not", async () => {
    const world = await createClientWorld();
    const startedAt = performance.now();
    const { body } = await world.call("POST", `${at}/runsync?wait=1`, { body: { input: 1 } });
    expect(body).toMatchObject({ status: "IN_QUEUE" });
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });
});

describe("how long a result is kept", () => {
  async function ended(path: string, input: { readonly query: string }) {
    const world = await createClientWorld();
    const { body } = await world.call("POST", `${at}/${path}${input.query}`, { body: { input: 1 } });
    const id = String(body["id"]);
    const status = async (query = "") => (await world.call("GET", `${at}/status/${id}${query}`)).status;
    const end = async () => {
      await world.start(id);
      await world.end(id, { output: 1 });
    };
    return { world, status, end };
  }

  test.each([
    ["runsync", "?wait=1000", 60_000],
    ["runsync", "?wait=240000", 240_000],
    ["run", "?wait=240000", 1_800_000],
  ])("/%s%s: %i ms", async (path, query, ms) => {
    const { world, status, end } = await ended(path, { query });
    await end();
    world.clock.advance(ms - 5_000);
    expect(await status()).toBe(200);
    world.clock.advance(6_000);
    expect(await status()).toBe(404);
  });

  test("/status?ttl= removes it sooner: from now when it has ended, else from its end; never later", async () => {
    const early = await ended("run", { query: "" });
    expect(await early.status("?ttl=6000")).toBe(200);
    early.world.clock.advance(7_000);
    expect(await early.status()).toBe(200);
    await early.end();
    early.world.clock.advance(7_000);
    expect(await early.status()).toBe(404);
    const late = await ended("run", { query: "" });
    await late.end();
    expect(await late.status("?ttl=99000000")).toBe(200);
    expect(await late.status("?ttl=6000")).toBe(200);
    late.world.clock.advance(7_000);
    expect(await late.status()).toBe(404);
  });

  test.each(["soon", "-1", "1.5", ""])("ttl=%s is a bad request", async (ttl) => {
    const { status } = await ended("run", { query: "" });
    expect(await status(`?ttl=${ttl}`)).toBe(400);
  });
});

function limits(holdMs: number) {
  return { runBytes: 1_000, runsyncBytes: 1_000, holdMs };
}
