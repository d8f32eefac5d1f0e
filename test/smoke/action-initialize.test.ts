// The action initialize as a real process, in the environment of a runner, against a real HTTP server.
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../e2e/until.ts";
import { type ActionHost, createActionHost, JOB, KEY, LABEL, shown } from "./action-host.ts";

let host: ActionHost;
beforeEach(async () => {
  host = await createActionHost();
});
afterEach(async () => await host.dispose());

test("starts a worker: one call, outputs job-id and label, the key masked", async () => {
  const { code, printed, outputs } = await host.run("initialize");
  expect([code, outputs]).toEqual([0, { "job-id": JOB, label: LABEL }]);
  expect(host.calls.map(({ line }) => line)).toEqual(["POST /v2/npu/run"]);
  expect(host.calls[0]?.headers).toMatchObject({
    authorization: `Bearer ${KEY}`,
    "content-type": "application/json",
    "x-workflow-run": "acme/widgets/7001/2",
    "idempotency-key": expect.stringMatching(/^[\da-f-]{36}$/),
  });
  expect(JSON.parse(host.calls[0]?.body ?? "")).toEqual({ input: {} });
  expect(printed.startsWith(`::add-mask::${KEY}\n`)).toBe(true);
  expect(shown(printed)).not.toContain(KEY);
});

test("passes labels and the place of the runner on, as data", async () => {
  const labels = "big, $(touch pwned) `id`";
  await host.run("initialize", { labels, "github-org": "acme/widgets" });
  expect(JSON.parse(host.calls[0]?.body ?? "")).toEqual({
    input: { labels: ["big", "$(touch", "pwned)", "`id`"], github_org: "acme/widgets" },
  });
});

test("without a key it shows the job's OIDC token, asked for this dispatcher, masked", async () => {
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${host.url}/token?api-version=2`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
  };
  const { code, printed } = await host.run("initialize", { "api-key": "", url: `${host.url}/` }, env);
  expect(code).toBe(0);
  expect(host.calls.map(({ line }) => line)).toEqual([
    `GET /token?api-version=2&audience=${encodeURIComponent(host.url)}`,
    "POST /v2/npu/run",
  ]);
  expect(host.calls.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer request-token",
    "Bearer oidc.token.of-this-job",
  ]);
  expect(shown(printed)).not.toContain("oidc.token");
});

test("neither key nor OIDC: says what to do, calls nobody", async () => {
  const { code, printed } = await host.run("initialize", { "api-key": "" });
  expect(code).toBe(1);
  expect(printed).toMatch(/^::error::.*api-key.*id-token: write/m);
  expect(host.calls).toEqual([]);
});

test("a dispatcher that is being restarted: the same key again, so that one worker starts", async () => {
  const restarting = [{ status: 503 }, { status: 429, headers: { "retry-after": "0" } }];
  host.replies["/v2/npu/run"] = [...restarting, { status: 200, body: { id: JOB, label: LABEL } }];
  const { code, outputs } = await host.run("initialize");
  expect([code, outputs["label"]]).toEqual([0, LABEL]);
  expect(host.calls).toHaveLength(3);
  expect(new Set(host.calls.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
});

test("a refusal fails at once, with the dispatcher's sentence on one line", async () => {
  const detail = "unknown endpoint npu.\n::set-output name=label::evil";
  host.replies["/v2/npu/run"] = [{ status: 404, body: { detail } }];
  const { code, printed, outputs } = await host.run("initialize");
  expect([code, outputs, host.calls.length]).toEqual([1, {}, 1]);
  expect(printed).toContain("::error::The dispatcher did not start a worker: it answered 404, unknown");
  expect(printed).not.toMatch(/^::set-output/m);
});

test("an answer that would set another output is no label", async () => {
  host.replies["/v2/npu/run"] = [{ status: 200, body: { id: JOB, label: "x\nend\njob-id<<y\nother\ny" } }];
  expect((await host.run("initialize")).outputs).toEqual({ "job-id": JOB });
  host.replies["/v2/npu/run"] = [{ status: 200, body: { id: "../cancel/other" } }];
  expect((await host.run("initialize")).code).toBe(1);
});

test("a redirect does not carry the key to another host", async () => {
  host.replies["/v2/npu/run"] = [{ status: 302, headers: { location: `${host.url}/elsewhere` } }];
  const { code, printed } = await host.run("initialize");
  expect([code, host.calls.length]).toEqual([1, 1]);
  expect(printed).toContain("it answered 302");
});

test.each([
  { name: "queued, then taken", first: { status: "IN_QUEUE" } },
  { name: "taken, then listening", first: { status: "IN_PROGRESS", phase: "registering" } },
])("wait: $name", async ({ first }) => {
  const then = "phase" in first ? { status: "IN_PROGRESS", phase: "listening" } : { status: "IN_PROGRESS" };
  host.replies[`/v2/npu/status/${JOB}`] = [
    { status: 200, body: first },
    { status: 200, body: then },
  ];
  const { code, printed } = await host.run("initialize", { wait: "30" });
  expect([code, host.calls.length]).toEqual([0, 3]);
  expect(printed).toContain("is ready");
});

test("wait: a worker that fails fails here, and the outputs are there for terminate", async () => {
  const body = { status: "FAILED", error: "GitHub does not know the personal access token." };
  host.replies[`/v2/npu/status/${JOB}`] = [{ status: 200, body }];
  const { code, printed, outputs } = await host.run("initialize", { wait: "30" });
  expect([code, outputs["job-id"]]).toEqual([1, JOB]);
  expect(printed).toMatch(/^::error::.*personal access token/m);
});

test("wait: when it is over the next job waits on, with a warning", async () => {
  host.replies[`/v2/npu/status/${JOB}`] = [{ status: 200, body: { status: "IN_QUEUE" } }];
  const { code, printed } = await host.run("initialize", { wait: "1" });
  expect(code).toBe(0);
  expect(printed).toMatch(/^::warning::.*not ready after 1 s/m);
});

test("cancelled while it waits, it takes its worker back", async () => {
  host.replies[`/v2/npu/status/${JOB}`] = [{ status: 200, body: { status: "IN_QUEUE" } }];
  const step = host.start("initialize", { wait: "60" });
  await until("the first look", () => host.calls.some(({ line }) => line.includes("/status/")));
  step.child.kill("SIGINT");
  expect((await step.ended()).code).toBe(1);
  expect(host.calls.at(-1)?.line).toBe(`POST /v2/npu/cancel/${JOB}`);
});

test("cancelled while the dispatcher answers, it takes its worker back too", async () => {
  host.replies["/v2/npu/run"] = [{ status: 200, afterMs: 300, body: { id: JOB, label: LABEL } }];
  const step = host.start("initialize", {});
  await until("the call", () => host.calls.length > 0);
  step.child.kill("SIGTERM");
  expect((await step.ended()).code).toBe(1);
  expect(host.calls.at(-1)?.line).toBe(`POST /v2/npu/cancel/${JOB}`);
});

test.each([{ url: "dispatch.example.com" }, { url: "" }, { url: "file:///etc/passwd" }, { wait: "5m" }])(
  "inputs that cannot be: %j",
  async (inputs: Record<string, string>) => {
    const { code, printed } = await host.run("initialize", inputs);
    expect(code).toBe(1);
    expect(printed).toMatch(/^::error::The input (url|wait)/m);
    expect(host.calls).toEqual([]);
  },
);
