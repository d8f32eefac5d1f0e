// What a delivery costs the webhook function: its bundle in fresh processes against a stub of DynamoDB, as its peer was
// measured.
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { bundle, FUNCTIONS } from "../scripts/build/bundle.ts";
import { demoConfig } from "../scripts/demo/config.ts";
import { toPacked } from "../shared/config/packed.ts";
import { httpEvent } from "../test/fakes/lambda/events.ts";
import { FAKE_CREDENTIALS, FAKE_REGION } from "../test/fakes/stores/dynamodb.ts";
import { startDynamodbStub } from "./dynamodb-stub.ts";
import { percentile } from "./percentile.ts";
import type { Plan, WarmCost } from "./webhook-client.ts";

const TABLE = "npu-dispatch-bench";
const SECRET = "bench-webhook-secret";
const ROUNDS = 30;
const WARM_UP_ROUNDS = 10;
const CALLS_PER_ROUND = 100;
const WARM_RUNS = 5;
const COLD_STARTS = 15;
const FIRST_ID = 100_000_000_000;
const execute = promisify(execFile);

/**
 * `cpuMs`: CPU of a new job, one at a time, in a warm process. `sdkPutCpuMs`, `barePostCpuMs`: the same row written by
 * the AWS SDK and by an unsigned POST, in turns with the deliveries in the same process; machines differ, the ratios
 * less. All are medians of five processes. `coldP50Ms`: import of the bundle and the first delivery in a fresh process;
 * `emptyProcessMs`: start and end of a Node process that does nothing, in turns with them.
 */
export async function run(): Promise<Record<string, number>> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
  const dynamodb = await startDynamodbStub();
  try {
    return await measure(dir, dynamodb.endpoint);
  } finally {
    await dynamodb.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(dir: string, endpoint: string): Promise<Record<string, number>> {
  const webhook = FUNCTIONS.find((target) => target.name === "webhook");
  if (webhook === undefined) throw new Error("no webhook function");
  const { file, bytes } = await bundle(webhook, dir);
  const sandbox = await prepareSandbox(dir, endpoint, file);
  const cold: number[] = [];
  const empty: number[] = [];
  for (let start = 1; start <= COLD_STARTS; start++) {
    empty.push(await emptyProcess());
    cold.push((await sandbox(FIRST_ID + start, 0)).coldMs);
  }
  const warm: WarmCost[] = [];
  for (let again = 1; again <= WARM_RUNS; again++) warm.push(await sandbox(2 * FIRST_ID + again, ROUNDS));
  const median = (of: (cost: WarmCost) => number) => Number(middle(warm.map(of)).toFixed(3));
  return {
    cpuMs: median(({ cpuMs }) => cpuMs),
    sdkPutCpuMs: median(({ sdkPutCpuMs }) => sdkPutCpuMs),
    barePostCpuMs: median(({ barePostCpuMs }) => barePostCpuMs),
    ratioToSdkPut: median(({ cpuMs, sdkPutCpuMs }) => cpuMs / sdkPutCpuMs),
    coldP50Ms: percentile(cold, 0.5),
    emptyProcessMs: percentile(empty, 0.5),
    bundleKb: Math.round(bytes / 1_000),
    payloadBytes: Buffer.byteLength(queuedPayload(FIRST_ID)),
    deliveries: WARM_RUNS * (ROUNDS - WARM_UP_ROUNDS) * CALLS_PER_ROUND,
  };
}

/** Runs a fresh process that takes the job with this id as its first delivery. */
async function prepareSandbox(dir: string, endpoint: string, file: string) {
  const config = join(dir, "config.json");
  const planFile = join(dir, "plan.json");
  await writeFile(config, JSON.stringify(toPacked(demoConfig())));
  return async function sandbox(id: number, rounds: number): Promise<Cost> {
    const plan: Plan = {
      bundle: pathToFileURL(file).href,
      first: deliveryEvent(queuedPayload(id)),
      pk: `job#gh-${id}`,
      table: TABLE,
      region: FAKE_REGION,
      endpoint,
      secret: SECRET,
      rounds,
      callsPerRound: CALLS_PER_ROUND,
      warmUpRounds: WARM_UP_ROUNDS,
    };
    await writeFile(planFile, JSON.stringify(plan));
    return await runClient(planFile, environment(endpoint, config));
  };
}

type Cost = WarmCost & { readonly coldMs: number };

/** Its log goes to /dev/null, as the peer's did when it was measured. */
async function runClient(planFile: string, env: NodeJS.ProcessEnv): Promise<Cost> {
  const client = join(import.meta.dirname, "webhook-client.ts");
  const child = spawn(process.execPath, [client, planFile], { env, stdio: ["ignore", "ignore", "pipe"] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`the client ended with code ${code}: ${said}`);
  return JSON.parse(said) as Cost;
}

function environment(endpoint: string, config: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    DISPATCH_TABLE: TABLE,
    DISPATCH_CONFIG: config,
    GITHUB_WEBHOOK_SECRET: SECRET,
    AWS_REGION: FAKE_REGION,
    AWS_ACCESS_KEY_ID: FAKE_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: FAKE_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  };
}

async function emptyProcess(): Promise<number> {
  const startedAt = performance.now();
  await execute(process.execPath, ["-e", "0"]);
  return performance.now() - startedAt;
}

function deliveryEvent(body: string): APIGatewayProxyEventV2 {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  return httpEvent({
    method: "POST",
    url: "/webhooks/github",
    headers: {
      accept: "*/*",
      "content-length": String(Buffer.byteLength(body)),
      "content-type": "application/json",
      host: "example.execute-api.eu-central-1.amazonaws.com",
      "user-agent": "GitHub-Hookshot/0000000",
      "x-amzn-trace-id": "Root=1-00000000-000000000000000000000000",
      "x-forwarded-for": "192.0.2.1",
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      "x-github-delivery": "00000000-0000-4000-8000-000000000000",
      "x-github-event": "workflow_job",
      "x-github-hook-id": "1",
      "x-github-hook-installation-target-id": "1",
      "x-github-hook-installation-target-type": "integration",
      "x-hub-signature-256": `sha256=${signature}`,
    },
    body: Buffer.from(body),
  });
}

/** GitHub's real example, with a label of ours and an id of its own. */
function queuedPayload(id: number): string {
  const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
    default?: Example[];
  } & Example[];
  const list = examples.default ?? examples;
  const event = list.find(({ name }) => name === "workflow_job");
  const queued = event?.examples.find(({ action }) => action === "queued");
  if (queued === undefined) throw new Error("no queued example");
  const job = { ...queued.workflow_job, id, labels: ["linux-arm64-npu-1"], status: "queued" };
  return JSON.stringify({ ...queued, workflow_job: job });
}

type Example = {
  readonly name: string;
  readonly examples: readonly { readonly action: string; readonly workflow_job: Record<string, unknown> }[];
};

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
