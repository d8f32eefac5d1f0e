// The worker on RunPod itself, as its GitHub worker's document describes it: no settings of ours, a token in the job's
// input.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, expect, test } from "vitest";
import type { JobDone } from "../../shared/protocol/worker-plane.ts";
import { startDispatcher } from "./support/dispatcher-stub.ts";
import { startWorker } from "./support/start-worker.ts";

const PAT = "ghp_personal_access_token_of_test";
const JOB = "6f1c2a1e-7a55-4a39-9f5a-3f0f8a1f9e51-u1";
const KEY = "rpa_KEY_OF_THE_POD";

const EMPTY: readonly [number, string][] = [
  [400, ""],
  [204, ""],
];

type Call = { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders };

/** RunPod's worker plane and GitHub's token endpoint on one port. */
async function startRunPod() {
  const calls: Call[] = [];
  const dones: JobDone[] = [];
  const job = {
    id: JOB,
    input: { github_pat: PAT, github_org: "acme/widgets", model: "qwen" },
    webhook: null,
    delayTime: 812,
    executionTime: 0,
    retries: 0,
    error: "",
    status: 200,
    s3Config: { bucketName: "b" },
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      calls.push({ method, url, headers });
      const [status, body] = answer(url, Buffer.concat(chunks).toString());
      // RunPod answers pings with plain text.
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
      response.end(body);
    });
  });
  let takes = 0;
  function take(): [number, string] {
    takes += 1;
    // First a container that was just woken, then a queue that is empty.
    return EMPTY[takes - 1] ?? [200, JSON.stringify(job)];
  }
  function answer(url: string, text: string): [number, string] {
    const call = /\/(registration-token|ping|job-take|job-done)/.exec(url)?.[1];
    if (call === "job-take") return take();
    if (call === "job-done") dones.push(JSON.parse(text) as JobDone);
    if (call === "registration-token") return [201, JSON.stringify({ token: "AREGISTRATION" })];
    return [200, call === "ping" ? "OK" : "{}"];
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    dones,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Options = { readonly podId?: string; readonly query?: string };

async function runOnRunPod({ podId = "k9x2p4m7q1", query = "?gpu=$RUNPOD_GPU_TYPE_ID" }: Options = {}) {
  await using dispatcher = await startDispatcher();
  await using runpod = await startRunPod();
  const base = `${runpod.url}/v2/ep1`;
  await using worker = startWorker(dispatcher, {
    env: {
      RUNPOD_WEBHOOK_GET_JOB: `${base}/job-take/$ID${query}`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${base}/job-done/$RUNPOD_POD_ID/$ID${query}`,
      RUNPOD_WEBHOOK_POST_STREAM: `${base}/job-stream/$RUNPOD_POD_ID/$ID${query}`,
      RUNPOD_WEBHOOK_PING: `${base}/ping/$RUNPOD_POD_ID${query}`,
      RUNPOD_AI_API_KEY: KEY,
      RUNPOD_API_KEY: "rpa_OF_THE_ACCOUNT",
      RUNPOD_POD_ID: podId,
      GITHUB_API_URL: runpod.url,
      GITHUB_PAT: "ghp_of_the_environment",
      GITHUB_ORG: "of-the-environment",
    },
  });
  const { code } = await worker.exit;
  const { calls, dones } = runpod;
  const [args, environment, output] = [
    worker.file("config-args-add"),
    worker.file("run-env"),
    worker.output(),
  ];
  return { code, calls, dones, args, environment, output, base, url: runpod.url };
}

const pathOf = ({ url }: Call) => url.split("?")[0];

let usual: Awaited<ReturnType<typeof runOnRunPod>>;
beforeAll(async () => {
  usual = await runOnRunPod();
}, 30_000);

test("a job of RunPod's, with keys that we do not know: input before environment, labels runpod and pod id", () => {
  const { code, calls, dones, args, url } = usual;

  expect(code).toBe(0);
  const token = calls.filter((call) => call.url.includes("token"));
  expect(token.map((call) => [call.method, call.url, call.headers.authorization])).toEqual([
    ["POST", "/repos/acme/widgets/actions/runners/registration-token", `Bearer ${PAT}`],
  ]);
  expect(args?.split("\n")).toEqual(
    expect.arrayContaining([
      "--unattended",
      "--ephemeral",
      `${url}/acme/widgets`,
      "k9x2p4m7q1",
      "runpod,k9x2p4m7q1",
    ]),
  );
  // Without --no-default-labels config.sh adds self-hosted, Linux and the architecture.
  expect(args).not.toContain("--no-default-labels");
  expect(dones).toEqual([
    {
      output: expect.objectContaining({ outcome: "ran", result: "Succeeded", message: expect.any(String) }),
      stopPod: true,
    },
  ]);
});

test("the calls are those of RunPod's SDK: paths, raw key, X-Request-ID", () => {
  const { calls } = usual;

  const worker = calls.filter((call) => call.url.startsWith("/v2/"));
  expect(new Set(worker.map((call) => call.headers.authorization))).toEqual(new Set([KEY]));
  expect(new Set(worker.map((call) => call.headers["user-agent"]))).toEqual(new Set(["npu-dispatch-worker"]));
  const takes = worker.filter((call) => call.url.includes("/job-take/"));
  expect(takes.map(pathOf)).toEqual(Array.from({ length: 3 }, () => "/v2/ep1/job-take/k9x2p4m7q1"));
  expect(takes[0]?.url).toContain("job_in_progress=0");
  const done = worker.find((call) => call.url.includes("/job-done/"));
  expect(done && pathOf(done)).toBe(`/v2/ep1/job-done/k9x2p4m7q1/${JOB}`);
  expect(done?.headers["x-request-id"]).toBe(JOB);
  expect(done?.url).toContain("isStream=false");
  // A placeholder that nobody replaced stays as it is.
  expect(done?.url).toContain("gpu=$RUNPOD_GPU_TYPE_ID&");
});

test("JOB_INPUT is JSON without the token; nothing of RunPod's or of the token's reaches a step or the log", () => {
  const { environment, output } = usual;

  expect(environment).toContain('JOB_INPUT={"model":"qwen"}\n');
  // The seed filters six of these; a step needs none of RUNPOD_*.
  expect(environment).not.toMatch(/RUNPOD_|GITHUB_PAT|GITHUB_ORG|ghp_|rpa_/);
  expect(output).not.toMatch(/ghp_|rpa_|AREGISTRATION/);
});

test("URLs without a question mark, as in RunPod's own tests", async () => {
  const { code, calls, dones } = await runOnRunPod({ query: "" });

  expect([code, dones.length]).toEqual([0, 1]);
  expect(calls.find((call) => call.url.includes("/ping/"))?.url).toContain(`/ping/k9x2p4m7q1?job_id=${JOB}`);
});

test("without RUNPOD_POD_ID it calls itself serverless-runpod-runner and a random part", async () => {
  const [first, second] = await Promise.all([runOnRunPod({ podId: "" }), runOnRunPod({ podId: "" })]);

  const nameOf = ({ args }: { args: string | undefined }) =>
    /^--name\n(serverless-runpod-runner-[0-9a-f]{10})$/m.exec(args ?? "")?.[1];
  expect(nameOf(first)).toBeDefined();
  expect(nameOf(first)).not.toBe(nameOf(second));
  expect(first.args).toContain(`--labels\nrunpod,${nameOf(first)}\n`);
});
