// The worker plane over HTTP: who may call it, RunPod's odd paths and labels, and nothing malformed is a fault of ours.
import { describe, expect, test } from "vitest";
import { endpointName } from "../../../../shared/domain/ids.ts";
import { StoreError } from "../../../../shared/ports/store.ts";
import {
  pingAnswer,
  registrationAnswer,
  takenJob,
  workerPlaneError,
} from "../../../../shared/protocol/worker-plane.ts";
import { aReport, aWorkerId, POOL, TENANT } from "../../../domain/builders.ts";
import {
  call,
  createHttpWorld,
  ENDPOINT,
  listen,
  MAX_RESULT_BYTES,
  started,
  tokensOf,
} from "../http-world.ts";

const routes = (worker: string, job: string) =>
  [
    ["GET", `/v2/${ENDPOINT}/job-take/${worker}?boot=b1`, undefined],
    ["POST", `/v2/${ENDPOINT}/registration/${worker}?boot=b1&registration=token`, undefined],
    ["GET", `/v2/${ENDPOINT}/ping/${worker}?phase=listening`, undefined],
    ["POST", `/v2/${ENDPOINT}/job-done/${worker}/${job}`, JSON.stringify({ output: aReport() })],
  ] as const;

test("take, registration, ping, done: each answer has the shape of the protocol", async () => {
  const { world, worker, job, tokens } = await started();
  const answers: unknown[] = [];
  for (const [method, path, body] of routes(worker, job)) {
    const response = await call(world, tokens.right, method, path, body === undefined ? {} : { body });
    expect(response.status, path).toBe(200);
    expect(response.headers.get("connection")).toBe("close");
    answers.push(await response.json());
  }
  expect(takenJob.parse(answers[0])).toMatchObject({ id: job, dispatch: { runnerName: worker } });
  expect(registrationAnswer.parse(answers[1])).toMatchObject({ type: "token" });
  expect(pingAnswer.parse(answers[2])).toEqual({});
  expect(answers[3]).toEqual({});
  expect((await world.stores.workers.get(worker))?.report).toMatchObject({ outcome: "ran" });
});

describe("tokens", () => {
  test("no route opens for none, a forged, a cut or another worker's token; each does for its own and during rotation", async () => {
    const other = aWorkerId("npud-t3st00-otherworker1");
    for (const at of [0, 1, 2, 3]) {
      const { world, worker, job, claims, tokens } = await started();
      const [method, path, body] = routes(worker, job)[at]!;
      const send = async (token: string | undefined) =>
        (await call(world, token, method, path, body === undefined ? {} : { body })).status;
      const before = world.fuse.count;
      expect(await send(undefined)).toBe(401);
      expect(await send("")).toBe(401);
      expect(await send("Bearer ")).toBe(401);
      expect(await send(tokens.foreign)).toBe(401);
      expect(await send(tokens.right.slice(0, -1))).toBe(401);
      expect(await send(tokensOf({ ...claims, worker: other }).right)).toBe(403);
      expect(await send(tokensOf({ ...claims, endpoint: endpointName("other") }).right)).toBe(403);
      expect(world.fuse.count - before).toBe(0);
      expect(world.log.of("worker-call-rejected")).toHaveLength(2);
      if (at === 1) await call(world, tokens.right, "GET", routes(worker, job)[0][1]);
      expect(await send(tokens.old)).toBe(200);
      expect(await send(`Bearer ${tokens.right}`)).toBe(200);
    }
  });
});

describe("RunPod's ways", () => {
  test.each(["&job_in_progress=0", "&job_in_progress=0?boot=sdk"])("the path ends in %s", async (glued) => {
    const { world, worker, tokens, job } = await started();
    const response = await call(world, tokens.right, "GET", `/v2/${ENDPOINT}/job-take/${worker}${glued}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: job });
  });

  test("JSON labelled as a form is JSON", async () => {
    const { world, worker, job, tokens } = await started();
    const response = await call(
      world,
      tokens.right,
      "POST",
      `/v2/${ENDPOINT}/job-done/${worker}/${job}?isStream=false`,
      {
        body: JSON.stringify({ output: { answer: 42 }, stopPod: true }),
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
    );
    expect(response.status).toBe(200);
    expect((await world.stores.workers.get(worker))?.report).toMatchObject({ outcome: "ran" });
  });

  test("an error without a report of ours is a failed worker", async () => {
    const { world, worker, job, tokens } = await started();
    const body = JSON.stringify({ error: "handler raised" });
    await call(world, tokens.right, "POST", `/v2/${ENDPOINT}/job-done/${worker}/${job}`, { body });
    expect((await world.stores.workers.get(worker))?.report).toMatchObject({
      outcome: "runner-failed",
      message: "handler raised",
    });
  });

  test("progress ends nothing, and after the end it changes nothing", async () => {
    const { world, worker, job, tokens } = await started();
    const progress = { body: JSON.stringify({ status: "IN_PROGRESS", output: "half" }) };
    const path = `/v2/${ENDPOINT}/job-done/${worker}/${job}`;
    expect((await call(world, tokens.right, "POST", path, progress)).status).toBe(200);
    expect((await world.stores.workers.get(worker))?.report).toBeUndefined();
    await call(world, tokens.right, "POST", path, {
      body: JSON.stringify({ output: aReport({ message: "done" }) }),
    });
    await call(world, tokens.right, "POST", path, progress);
    expect((await world.stores.workers.get(worker))?.report).toMatchObject({ message: "done" });
  });
});

test("a result beyond the limit is refused, and the worker may still report", async () => {
  const { world, worker, job, tokens } = await started();
  const path = routes(worker, job)[3][1];
  const body = Buffer.alloc(MAX_RESULT_BYTES + 1, " ");
  const refused = await call(world, tokens.right, "POST", path, {
    body,
    headers: { "content-length": String(body.length) },
  });
  expect(refused.status).toBe(413);
  expect(
    (await call(world, tokens.right, "POST", path, { body: JSON.stringify({ error: "too large" }) })).status,
  ).toBe(200);
});

test("another boot gets 204, a refused registration 409, an early one 429 with the time to wait", async () => {
  const { world, worker, job, tokens } = await started();
  const [take, register] = routes(worker, job);
  await call(world, tokens.right, "GET", take[1]);
  const second = await call(world, tokens.right, "GET", take[1].replace("b1", "b2"));
  expect([second.status, await second.text()]).toEqual([204, ""]);
  expect((await call(world, tokens.right, "POST", register[1].replace("b1", "b2"))).status).toBe(409);
  expect((await call(world, tokens.right, "POST", register[1].replace("=token", "=ssh"))).status).toBe(400);
  world.github.fail("rate-limited", { retryAfterMs: 61_000 });
  const later = await call(world, tokens.right, "POST", register[1]);
  expect(later.status).toBe(429);
  expect(later.headers.get("retry-after")).toBe("61");
  expect(workerPlaneError.parse(await later.json())).toMatchObject({ retryAfterMs: 61_000 });
});

test("a ping brings what the runner's hook said; what is no such word is left aside", async () => {
  const { world, worker, tokens } = await started();
  const said = {
    repository: "Acme/kernels",
    repositoryId: 81,
    runId: 7001,
    runAttempt: 1,
    job: "build",
    workflowRef: "Acme/kernels/.github/workflows/ci.yml@refs/heads/main",
    event: "push",
  };
  const told = async (text: string) => {
    const path = `/v2/${ENDPOINT}/ping/${worker}?phase=running&started=${encodeURIComponent(text)}`;
    expect((await call(world, tokens.right, "GET", path)).status).toBe(200);
    return (await world.stores.workers.get(worker))?.binding?.started;
  };
  const broken = [
    { ...said, repository: "a/b/c" },
    { ...said, runId: -1 },
    { ...said, job: "x".repeat(201) },
    [],
  ];
  for (const one of broken) expect(await told(JSON.stringify(one))).toBeUndefined();
  expect(await told("{")).toBeUndefined();
  expect(await told(JSON.stringify({ ...said, more: 1 }))).toEqual(said);
});

test("a ping tells to drain", async () => {
  const { world, worker, job, tokens } = await started();
  for (const [method, path] of routes(worker, job).slice(0, 2)) await call(world, tokens.right, method, path);
  world.github.change(Number(job.slice(3)), { status: "completed", conclusion: "cancelled" });
  await world.deliver();
  const response = await call(world, tokens.right, "GET", routes(worker, job)[2][1]);
  expect(await response.json()).toEqual({ drain: "surplus" });
});

test("every answer closes its connection, refusals and faults too", async () => {
  const world = createHttpWorld({
    wrapStores: (stores) => ({
      ...stores,
      workers: Object.assign(Object.create(stores.workers), {
        get: () => Promise.reject(new StoreError("the table is away", { retryable: true })),
      }),
    }),
  });
  const worker = aWorkerId("npud-t3st00-aaaaaaaaaaaa");
  const { right } = tokensOf({ worker, pool: POOL, endpoint: ENDPOINT, tenant: TENANT });
  const server = await listen(world.workerPlane);
  try {
    for (const [token, status] of [
      [right, 503],
      ["", 401],
      ["nonsense", 401],
    ] as const) {
      const response = await fetch(`${server.url}/v2/${ENDPOINT}/ping/${worker}`, {
        headers: { authorization: token },
      });
      expect([response.status, response.headers.get("connection")]).toEqual([status, "close"]);
      expect(workerPlaneError.safeParse(await response.json()).success).toBe(true);
    }
    const unknown = await fetch(`${server.url}/v2/nowhere`);
    expect([unknown.status, unknown.headers.get("connection")]).toEqual([404, "close"]);
  } finally {
    await server.close();
  }
  expect(world.log.of("worker-call-failed")).toMatchObject([{ level: "error" }]);
});
