// The entries themselves in sandboxes: what is kept between events, what a failure looks like from outside.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createDynamoRows } from "../../../shared/adapters/dynamodb/dynamo-rows.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { DUE_INDEX, ensureTable, TABLE_DEFINITION } from "../../../shared/adapters/dynamodb/table.ts";
import { createStores } from "../../../shared/adapters/store/stores.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { endedApi } from "../../../shared/domain/job/api-steps.ts";
import { aJob, aWorker, T0 } from "../../domain/builders.ts";
import { anApiJob } from "../../domain/job/api-builders.ts";
import { startCallbackReceiver } from "../../fakes/callback-receiver.ts";
import { httpEvent, scheduleEvent, streamEvent } from "../../fakes/lambda/events.ts";
import { type Lambda, startLambda } from "../../fakes/lambda/lambda.ts";
import { type ParameterStore, startParameterStore } from "../../fakes/lambda/parameter-store.ts";
import {
  type DynamodbServer,
  FAKE_CREDENTIALS,
  FAKE_REGION,
  startDynamodb,
} from "../../fakes/stores/dynamodb.ts";
import { jobRecord, packedConfig, workerRecord } from "./samples.ts";

const TABLE = "entries-test";
const PATH = "/npu-dispatch/test";
let dir: string;
let dynamodb: DynamodbServer;
let transport: ReturnType<typeof createSdkTransport>;
let parameters: ParameterStore;
let lambda: Lambda | undefined;
let log: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-entries-"));
  await writeFile(join(dir, "config.json"), JSON.stringify(packedConfig()));
  dynamodb = await startDynamodb();
  const { endpoint } = dynamodb;
  transport = createSdkTransport({ region: FAKE_REGION, endpoint, credentials: FAKE_CREDENTIALS });
  await ensureTable(transport.call, TABLE);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  parameters = await startParameterStore({
    [`${PATH}/GITHUB_APP_ID`]: "1",
    [`${PATH}/GITHUB_APP_PRIVATE_KEY`]: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    [`${PATH}/DISPATCH_SECRET`]: "d".repeat(32),
  });
});
afterEach(async () => {
  await lambda?.stop();
  log = [];
});
afterAll(async () => {
  await parameters.stop();
  transport.close();
  await dynamodb.stop();
  await rm(dir, { recursive: true, force: true });
});

function start(
  name: "api" | "dispatch" | "reconcile",
  table = TABLE,
): (event: unknown) => ReturnType<Lambda["invoke"]> {
  const env = {
    DISPATCH_TABLE: table,
    DISPATCH_CONFIG: join(dir, "config.json"),
    SECRETS_PATH: PATH,
    PUBLIC_URL: "https://api.example.org",
    LOCAL_POOL_DIR: join(dir, "pools"),
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_SSM: parameters.endpoint,
  };
  const bundle = join(import.meta.dirname, "..", "..", "..", "functions", `${name}.ts`);
  const functions = { [name]: { bundle, env, timeoutMs: 60_000 } };
  const at = startLambda({ functions, seed: 1, log: (_name, line) => log.push(line) });
  lambda = at;
  return (event) => at.invoke(name, event);
}

test("dispatch: a start that fails fails the batch; the next batch tries again in the same sandbox", async () => {
  const invoke = start("dispatch");
  const batch = streamEvent([jobRecord("1", aJob({ state: "COMPLETED" })), workerRecord("2", aWorker())]);
  parameters.failNext(400, 1, "AccessDeniedException");
  expect(await invoke(batch)).toMatchObject({
    type: "failed",
    errorMessage: expect.stringContaining("Parameter Store"),
  });
  expect(await invoke(batch)).toEqual({ type: "answered", result: { batchItemFailures: [] } });
  const asked = parameters.asked.length;
  expect(await invoke(batch)).toEqual({ type: "answered", result: { batchItemFailures: [] } });
  expect(parameters.asked).toHaveLength(asked);
  expect(lambda?.stats()).toMatchObject({ dispatch: { coldStarts: 1, failures: 1 } });
});

test("dispatch: the record of a job's end sends its callback, however often it comes", async () => {
  const receiver = await startCallbackReceiver();
  const rows = createDynamoRows(transport.call, TABLE);
  const stores = createStores(rows, { clock: systemClock });
  const job = anApiJob({}, { callback: { url: receiver.url, tries: 0, dueAt: undefined } });
  const ended = endedApi(job, { state: "COMPLETED", reason: "succeeded", message: "done" }, T0);
  await stores.jobs.create(ended);
  const invoke = start("dispatch");
  for (let times = 0; times < 2; times++) {
    expect(await invoke(streamEvent([jobRecord("1", ended)]))).toMatchObject({ type: "answered" });
  }
  expect(receiver.bodies).toMatchObject([{ id: job.id, status: "COMPLETED" }]);
  expect((await stores.jobs.get(job.id))?.api?.callback).toMatchObject({ tries: 1 });
  await receiver.close();
});

test("reconcile: a quiet pass answers what it looked at", async () => {
  const outcome = await start("reconcile")(scheduleEvent("reconcile"));
  expect(outcome).toEqual({ type: "answered", result: { looked: 0, failed: 0 } });
});

test("reconcile: a failed pass rejects, and the log names the cause", async () => {
  const broken = "no-due-index";
  const { GlobalSecondaryIndexes: indexes, AttributeDefinitions: attributes, ...rest } = TABLE_DEFINITION;
  await transport.call("CreateTable", {
    ...rest,
    TableName: broken,
    AttributeDefinitions: attributes.filter(({ AttributeName }) => !AttributeName.startsWith("due")),
    GlobalSecondaryIndexes: indexes.filter(({ IndexName }) => IndexName !== DUE_INDEX),
  });
  expect(await start("reconcile", broken)(scheduleEvent("reconcile"))).toMatchObject({ type: "failed" });
  expect(log.filter((line) => line.includes("reconcile-failed"))).toEqual([
    expect.stringContaining("DynamoDB Query"),
  ]);
});

test("api: without a worker's token a call is refused before anything is read", async () => {
  const call = {
    method: "GET",
    url: "/v2/linux-arm64-npu-1/ping/w-1?gpu=NPU",
    headers: { host: "api.example.org" },
  };
  const outcome = await start("api")(httpEvent(call));
  expect(outcome).toMatchObject({ type: "answered", result: { statusCode: 401 } });
});
