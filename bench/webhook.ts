// What a delivery costs the webhook function: its bundle in fresh processes against a DynamoDB-compatible server.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundle, FUNCTIONS } from "../scripts/build/bundle.ts";
import { demoConfig } from "../scripts/demo/config.ts";
import { createSdkTransport } from "../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable } from "../shared/adapters/dynamodb/table.ts";
import { toPacked } from "../shared/config/packed.ts";
import { FAKE_CREDENTIALS, FAKE_REGION, startDynamodb } from "../test/fakes/dynamodb.ts";
import { percentile } from "./percentile.ts";

const TABLE = "npu-dispatch-bench";
const SECRET = "bench-webhook-secret";
const DELIVERIES = 1_000;
const COLD_STARTS = 10;
const WARM_RUNS = 3;
const execute = promisify(execFile);

/**
 * `cpuMs`: CPU per new job, one at a time, in a warm process; the median of three runs of 1,000. `coldP50Ms`: import of
 * the bundle and the first delivery, the median of ten fresh processes. The peer (terraform-aws-github-runner 7.11) was
 * measured at 0.90 ms and 140 ms with a delivery of 8.9 kB.
 */
export async function run(): Promise<Record<string, number>> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
  const dynamodb = await startDynamodb();
  const { endpoint } = dynamodb;
  const transport = createSdkTransport({ region: FAKE_REGION, endpoint, credentials: FAKE_CREDENTIALS });
  try {
    await ensureTable(transport.call, TABLE);
    const webhook = FUNCTIONS.find((target) => target.name === "webhook");
    if (webhook === undefined) throw new Error("no webhook function");
    const { file, bytes } = await bundle(webhook, dir);
    await writeFile(join(dir, "config.json"), JSON.stringify(toPacked(demoConfig())));
    const payload = queuedPayload();
    await writeFile(join(dir, "payload.json"), payload);
    const sandbox = (count: number) => measure(file, dir, endpoint, count);
    const cold = [];
    for (let start = 0; start < COLD_STARTS; start++) cold.push((await sandbox(0)).coldMs);
    const warm = [];
    for (let again = 0; again < WARM_RUNS; again++) warm.push((await sandbox(DELIVERIES)).cpuMs);
    return {
      cpuMs: Math.round(percentileOf(warm) * 1_000) / 1_000,
      coldP50Ms: percentile(cold, 0.5),
      bundleKb: Math.round(bytes / 1_000),
      payloadBytes: payload.length,
      deliveries: DELIVERIES,
    };
  } finally {
    transport.close();
    await dynamodb.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(file: string, dir: string, endpoint: string, count: number) {
  const env = {
    PATH: process.env["PATH"],
    DISPATCH_TABLE: TABLE,
    DISPATCH_CONFIG: join(dir, "config.json"),
    GITHUB_WEBHOOK_SECRET: SECRET,
    AWS_REGION: FAKE_REGION,
    AWS_ACCESS_KEY_ID: FAKE_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: FAKE_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  };
  const client = join(import.meta.dirname, "webhook-client.ts");
  const args = [client, file, SECRET, join(dir, "payload.json"), String(count)];
  const { stderr } = await execute(process.execPath, args, { env, maxBuffer: 64_000_000 });
  return JSON.parse(stderr.trim().split("\n").at(-1) ?? "{}") as { coldMs: number; cpuMs: number };
}

/** GitHub's real example, with a label of ours and an id to be replaced per delivery. */
function queuedPayload(): string {
  const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
    default?: Example[];
  } & Example[];
  const list = examples.default ?? examples;
  const event = list.find(({ name }) => name === "workflow_job");
  const queued = event?.examples.find(({ action }) => action === "queued");
  if (queued === undefined) throw new Error("no queued example");
  const job = { ...queued.workflow_job, id: 4_711_471_147, labels: ["linux-arm64-npu-1"], status: "queued" };
  return JSON.stringify({ ...queued, workflow_job: job });
}

type Example = {
  readonly name: string;
  readonly examples: readonly { readonly action: string; readonly workflow_job: Record<string, unknown> }[];
};

function percentileOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
