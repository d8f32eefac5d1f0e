// /run: one job per request and key, its PAT sealed and nowhere else, and clear refusals.
import { describe, expect, test } from "vitest";
import { ASYNC_RESULT_MS } from "../../../shared/domain/deadlines.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import { TENANT } from "../../domain/builders.ts";
import { KEY_CALLER, OIDC_CALLER } from "../../domain/job/api-builders.ts";
import { aCall, createApiWorld, ECHO, end, jobOf, RUNNER, run } from "./api-world.ts";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-e1$/;

describe("a request becomes a job", () => {
  test("with RunPod's id, its input and a worker of its own", async () => {
    const world = createApiWorld();
    const job = await run(world);
    expect(job.id).toMatch(ID);
    expect(job.api?.input).toEqual({ type: "inline", json: '{"n":1}' });
    await world.settle();
    expect((await jobOf(world, job.id)).workerId).toBeDefined();
    expect(world.pool.running()).toHaveLength(1);
    expect(world.faults).toEqual([]);
  });

  test("of /runsync with its prefix, each a new one", async () => {
    const world = createApiWorld();
    const sync = await run(world, aCall({}, { kind: "sync" }));
    expect(sync.id.replace(/^sync-/, "")).toMatch(ID);
    expect(sync.id.startsWith("sync-")).toBe(true);
    expect((await run(world)).id).not.toBe((await run(world)).id);
  });

  test("with a large input in parts, which outlive its longest life", async () => {
    const world = createApiWorld();
    const input = "x".repeat(9_000_000);
    const job = await run(world, aCall(input));
    expect(job.api?.input).toMatchObject({ type: "parts", bytes: 9_000_002 });
    world.clock.advance(86_400_000 + 600_000);
    const json = await world.apiStores.payloads.get(job.api!.input);
    expect(json?.length).toBe(9_000_002);
  });

  test("with the policy and the callback that it asked for", async () => {
    const world = createApiWorld();
    const body = {
      input: null,
      webhookV2: "https://example.org/",
      policy: { ttl: 20_000, lowPriority: true },
    };
    const job = await run(world, { ...aCall(), body });
    expect(job).toMatchObject({ priority: 0, api: { input: { json: "null" } } });
    expect(job.api?.policy).toEqual({ executionTimeoutMs: 600_000, ttlMs: 20_000, lowPriority: true });
    expect(job.api?.callback).toEqual({ url: "https://example.org/", tries: 0, dueAt: undefined });
  });
});

describe("a repeat", () => {
  test.each([{ idempotencyKey: "k" }, { jti: "t" }])("under %j finds the job", async (key) => {
    const world = createApiWorld();
    const job = await run(world, aCall({}, key));
    expect(job.id).toMatch(ID);
    const again = await runJob(world.deps, KEY_CALLER, ECHO, aCall({}, key));
    expect(again).toEqual({ type: "repeated", job });
    const other = await runJob(world.deps, KEY_CALLER, ECHO, aCall({ n: 2 }, key));
    expect(other).toEqual({ type: "mismatch" });
    const sync = await runJob(world.deps, KEY_CALLER, ECHO, aCall({}, { ...key, kind: "sync" }));
    expect(sync).toMatchObject({ type: "repeated", job: { id: job.id } });
  });

  test("two repositories of one tenant may choose the same key", async () => {
    const world = createApiWorld();
    const call = aCall({ n: 1 }, { idempotencyKey: "build-1" });
    const one = await runJob(world.deps, OIDC_CALLER, RUNNER, call);
    const other = await runJob(world.deps, { ...OIDC_CALLER, repositoryId: 4_242 }, RUNNER, call);
    expect([one.type, other.type]).toEqual(["accepted", "accepted"]);
  });

  test("a token is used up whatever Idempotency-Key comes with it", async () => {
    const world = createApiWorld();
    await run(world, aCall({}, { jti: "t", idempotencyKey: "one" }));
    const again = await runJob(
      world.deps,
      KEY_CALLER,
      ECHO,
      aCall({ n: 2 }, { jti: "t", idempotencyKey: "two" }),
    );
    expect(again.type).toBe("mismatch");
  });

  test("a token is used up for every endpoint, also with the same body", async () => {
    const world = createApiWorld();
    await run(world, aCall({}, { jti: "t" }));
    const elsewhere = await runJob(world.deps, KEY_CALLER, RUNNER, aCall({}, { jti: "t" }));
    expect(elsewhere.type).toBe("mismatch");
  });

  test("whose result has expired is refused: its job is nowhere to be seen", async () => {
    const world = createApiWorld();
    const { id } = await run(world, aCall({}, { idempotencyKey: "k" }));
    await end(world, id);
    const again = () => runJob(world.deps, KEY_CALLER, ECHO, aCall({}, { idempotencyKey: "k" }));
    world.clock.advance(ASYNC_RESULT_MS - 1);
    expect(await again()).toMatchObject({ type: "repeated", job: { id } });
    world.clock.advance(1);
    expect(await again()).toEqual({ type: "forgotten" });
  });

  test("the same key of another endpoint or tenant is another job", async () => {
    const world = createApiWorld();
    const key = { idempotencyKey: "k" };
    const one = await run(world, aCall({}, key));
    const two = await run(world, aCall({}, key), { endpoint: RUNNER });
    expect(one.id).not.toBe(two.id);
  });

  test("side by side makes one job, and the loser's input does not replace the winner's", async () => {
    const world = createApiWorld();
    const large = (letter: string) => aCall(letter.repeat(100_000), { idempotencyKey: "k" });
    const calls = ["a", "b", "a", "b"].map((letter) => runJob(world.deps, KEY_CALLER, ECHO, large(letter)));
    const outcomes = await Promise.all(calls);
    expect(outcomes.map(({ type }) => type).sort()).toEqual(["accepted", "mismatch", "mismatch", "repeated"]);
    const [winner] = outcomes.flatMap((outcome) => (outcome.type === "accepted" ? [outcome.job] : []));
    const json = await world.apiStores.payloads.get(winner!.api!.input);
    expect(new Set(JSON.parse(json ?? ""))).toHaveProperty("size", 1);
  });
});

describe("a runner endpoint", () => {
  test("seals the PAT under the job's id and keeps it out of the input", async () => {
    const world = createApiWorld();
    const input = { github_pat: "ghp_secret", github_org: "globex/site", n: 1 };
    const job = await run(world, aCall(input), { endpoint: RUNNER });
    expect(job.api?.input).toEqual({ type: "inline", json: '{"n":1}' });
    const { sealedPat = "", ...rest } = job.api?.runner ?? {};
    expect(rest).toMatchObject({
      scope: { type: "repository", owner: "globex", repo: "site" },
      patErased: false,
    });
    expect(world.deps.seal.open(job.id, sealedPat)).toBe("ghp_secret");
    expect(JSON.stringify(job)).not.toContain("ghp_secret");
    expect(JSON.stringify(world.log.entries)).not.toContain("ghp_secret");
  });

  test("has a label of its own each time, and registers at the tenant's", async () => {
    const world = createApiWorld();
    const one = await run(world, aCall({}), { endpoint: RUNNER });
    const two = await run(world, aCall({}), { endpoint: RUNNER, caller: OIDC_CALLER });
    expect(one.api?.runner?.label).toMatch(/^npud-job-[a-z0-9]{12}$/);
    expect(one.api?.runner?.label).not.toBe(two.api?.runner?.label);
    expect(one.api?.runner?.scope).toEqual({ type: "organization", org: "Acme" });
    expect(two.api).toMatchObject({ repositoryId: 81, run: { runId: 7001 } });
  });

  test("of a user's key must be told the repository", async () => {
    const world = createApiWorld();
    await world.stores.tenants.create({
      id: TENANT,
      version: 1,
      login: "Acme",
      ownerType: "User",
      installationId: 1,
      state: "approved",
      updatedAt: world.now(),
    });
    const outcome = await runJob(world.deps, KEY_CALLER, RUNNER, aCall({}));
    expect(outcome).toMatchObject({ type: "invalid", message: expect.stringContaining("github_org") });
    const job = await run(world, aCall({ github_org: "acme/kernels" }), { endpoint: RUNNER });
    expect(job.api?.runner).toMatchObject({
      ownerType: "User",
      scope: { type: "repository", repo: "kernels" },
    });
  });

  test("with a PAT: a lone name is an organization, a repository's owner either", async () => {
    const world = createApiWorld();
    const typeFor = async (github_org: string) =>
      (await run(world, aCall({ github_pat: "ghp_x", github_org }), { endpoint: RUNNER })).api?.runner
        ?.ownerType;
    expect(await typeFor("globex")).toBe("Organization");
    expect(await typeFor("octocat/site")).toBeUndefined();
  });

  test("a program gets its input unchanged, the PAT with it", async () => {
    const world = createApiWorld();
    const job = await run(world, aCall({ github_pat: "ghp_x" }));
    expect(job.api).toMatchObject({ input: { json: '{"github_pat":"ghp_x"}' }, runner: undefined });
  });
});

test("s3Config is sealed in the job of a program", async () => {
  const world = createApiWorld();
  const call = { ...aCall(), body: { input: {}, s3Config: { accessSecret: "planted-secret" } } };
  const outcome = await runJob(world.deps, KEY_CALLER, ECHO, call);
  if (outcome.type !== "accepted") throw new Error(JSON.stringify(outcome));
  const sealed = outcome.job.api?.sealedS3Config ?? "";
  expect(JSON.stringify(outcome.job)).not.toContain("planted-secret");
  expect(world.deps.seal.open(outcome.job.id, sealed)).toBe('{"accessSecret":"planted-secret"}');
});

describe("refused", () => {
  test.each([
    [{ webhook: "https://example.org/" }, '"input"'],
    [{ input: {}, policy: { ttl: 1 } }, "policy.ttl"],
    [{ input: {}, webhook: "http://example.org/" }, "not that URL"],
    [{ input: {}, s3Config: { accessId: "a" } }, "s3Config"],
    [{ input: { github_org: "acme; id" } }, "github_org"],
    [{ input: { github_org: "globex" } }, "github_pat"],
  ])("%j", async (body, message) => {
    const callbacks = { refusal: (url: string) => (url.startsWith("http:") ? "not that URL" : undefined) };
    const world = createApiWorld({ api: { callbacks: callbacks as never } });
    const outcome = await runJob(world.deps, KEY_CALLER, RUNNER, { ...aCall(), body });
    expect(outcome).toMatchObject({ type: "invalid", message: expect.stringContaining(message) });
    expect(await world.apiStores.apiJobs.open(RUNNER as never, 10)).toEqual([]);
  });

  test("an endpoint that is not in dispatch.yaml", async () => {
    const world = createApiWorld();
    expect(await runJob(world.deps, KEY_CALLER, "nope", aCall())).toEqual({ type: "unknown-endpoint" });
  });
});
