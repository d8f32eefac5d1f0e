// The webhook function from its environment: real events, real DynamoDB, secrets from Parameter Store, failed starts.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../../functions/lambda/config-error.ts";
import { once } from "../../../functions/lambda/once.ts";
import { openDispatcher } from "../../../functions/lambda/open-dispatcher.ts";
import { openWebhook } from "../../../functions/lambda/open-webhook.ts";
import { createDynamoStores } from "../../../shared/adapters/dynamodb/dynamo-stores.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable } from "../../../shared/adapters/dynamodb/table.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { githubJobId } from "../../../shared/domain/ids.ts";
import { type HttpCall, httpEvent } from "../../fakes/lambda/events.ts";
import { type ParameterStore, startParameterStore } from "../../fakes/lambda/parameter-store.ts";
import {
  type DynamodbServer,
  FAKE_CREDENTIALS,
  FAKE_REGION,
  startDynamodb,
} from "../../fakes/stores/dynamodb.ts";
import { delivery, packedConfig, WEBHOOK_SECRET } from "./samples.ts";

const TABLE = "webhook-test";
const PATH = "/npu-dispatch/test";
let dir: string;
let dynamodb: DynamodbServer;
let transport: ReturnType<typeof createSdkTransport>;
let parameters: ParameterStore;
let env: { [name: string]: string };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-webhook-"));
  await writeFile(join(dir, "config.json"), JSON.stringify(packedConfig()));
  dynamodb = await startDynamodb();
  const { endpoint } = dynamodb;
  transport = createSdkTransport({ region: FAKE_REGION, endpoint, credentials: FAKE_CREDENTIALS });
  await ensureTable(transport.call, TABLE);
  parameters = await startParameterStore({
    [`${PATH}/GITHUB_WEBHOOK_SECRET`]: WEBHOOK_SECRET,
    [`${PATH}/GITHUB_WEBHOOK_SECRET_PREVIOUS`]: "1234567890123456",
    [`${PATH}/DISPATCH_SECRET`]: "not the webhook's business",
  });
  env = {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "fake",
    AWS_SECRET_ACCESS_KEY: "fake-key",
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ENDPOINT_URL_SSM: parameters.endpoint,
    DISPATCH_TABLE: TABLE,
    SECRETS_PATH: `${PATH}/`,
    LOG_LEVEL: "error",
  };
});

afterAll(async () => {
  await parameters.stop();
  transport.close();
  await dynamodb.stop();
  await rm(dir, { recursive: true, force: true });
});

async function send(call: HttpCall, overrides: { readonly [name: string]: string } = {}) {
  const handler = await openWebhook({ ...env, ...overrides }, dir);
  const answer = await handler(httpEvent(call));
  return { status: answer.statusCode, body: JSON.parse(answer.body) as { [key: string]: unknown } };
}

const storedJob = (id: number) =>
  createDynamoStores({ call: transport.call, table: TABLE, clock: systemClock }).jobs.get(githubJobId(id));

describe("deliveries from API Gateway", () => {
  test.each([
    { form: "plain", id: 11, base64: false },
    { form: "base64", id: 12, base64: true },
  ])("a signed delivery with a $form body is stored", async ({ id, base64 }) => {
    const answer = await send({ ...delivery(id), base64 });
    expect(answer).toEqual({ status: 202, body: { recorded: true, job: `gh-${id}`, state: "IN_QUEUE" } });
    expect(await storedJob(id)).toMatchObject({ endpoint: "linux-arm64-npu-1", pool: "local", cards: 1 });
  });

  test("a repeated delivery changes nothing", async () => {
    await send(delivery(13));
    const before = await storedJob(13);
    expect(await send(delivery(13))).toMatchObject({ status: 202, body: { recorded: false } });
    expect(await storedJob(13)).toEqual(before);
  });

  test("without a signature, and with a wrong one: 401 and no write", async () => {
    const { headers, ...call } = delivery(14);
    const { "X-Hub-Signature-256": _signature, ...unsigned } = headers;
    expect(await send({ ...call, headers: unsigned })).toMatchObject({ status: 401 });
    expect(await send(delivery(14, { secret: "another secret" }))).toMatchObject({ status: 401 });
    expect(await send({ ...call, headers, body: Buffer.alloc(0) })).toMatchObject({ status: 401 });
    expect(await storedJob(14)).toBeUndefined();
  });

  test("a secret of digits stays a text, and the previous one still fits", async () => {
    expect(await send(delivery(15, { secret: "1234567890123456" }))).toMatchObject({ status: 202 });
  });

  test("only its own secrets are asked for", async () => {
    await send(delivery(16));
    expect(new Set(parameters.asked)).toEqual(
      new Set([`${PATH}/GITHUB_WEBHOOK_SECRET`, `${PATH}/GITHUB_WEBHOOK_SECRET_PREVIOUS`]),
    );
  });

  test("a DynamoDB that refuses: 503, so that GitHub shows the delivery as failed", async () => {
    const answer = await send(delivery(17), { DISPATCH_TABLE: "no-such-table" });
    expect(answer).toMatchObject({ status: 503, body: { title: "Not recorded" } });
  });
});

describe("starts that fail", () => {
  test("the next event tries again: a failure is not kept, a success is", async () => {
    let starts = 0;
    const open = once(() => {
      starts++;
      return openWebhook(env, dir);
    });
    parameters.failNext(400, 2, "AccessDeniedException");
    await expect(open()).rejects.toThrow(/secrets under \/npu-dispatch\/test could not be read/);
    await expect(open()).rejects.toThrow(/Parameter Store/);
    const handler = await open();
    expect(await handler(httpEvent(delivery(21)))).toMatchObject({ statusCode: 202 });
    expect(await open()).toBe(handler);
    expect(starts).toBe(3);
  });

  test("60 that start at once are too many for Parameter Store, and each records its delivery", async () => {
    const secret = { [`${PATH}/GITHUB_WEBHOOK_SECRET`]: WEBHOOK_SECRET };
    const own = await startParameterStore(secret, { together: 60 });
    try {
      const overrides = { AWS_ENDPOINT_URL_SSM: own.endpoint };
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, at) => send(delivery(100 + at), overrides)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(202));
      expect(own.calls.throttled).toBeGreaterThanOrEqual(15);
    } finally {
      await own.stop();
    }
  });

  test("events that come during a start share it", async () => {
    let starts = 0;
    const open = once(async () => ++starts);
    expect(await Promise.all([open(), open(), open()])).toEqual([1, 1, 1]);
  });

  test("every missing setting is named at once, with what to do", async () => {
    const start = openWebhook({}, dir);
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toThrow(/DISPATCH_TABLE[\s\S]*AWS_REGION[\s\S]*AWS_ACCESS_KEY_ID/);
  });

  test("a secret that Parameter Store does not have is named", async () => {
    const start = openWebhook({ ...env, SECRETS_PATH: "/npu-dispatch/empty" }, dir);
    await expect(start).rejects.toThrow(/GITHUB_WEBHOOK_SECRET: It is not set/);
  });

  test("a configuration of another format is refused with the way out", async () => {
    const file = join(dir, "old.json");
    await writeFile(file, '{"format":0}');
    await expect(openWebhook({ ...env, DISPATCH_CONFIG: file }, dir)).rejects.toThrow(/npm run package/);
  });

  test("no failure tells a secret", async () => {
    parameters.failNext(400, 1, "AccessDeniedException");
    const error: unknown = await openWebhook(env, dir).catch((fault: unknown) => fault);
    expect(String((error as Error).cause) + String(error)).not.toContain(WEBHOOK_SECRET);
  });
});

describe("the functions that start workers", () => {
  const secrets = { GITHUB_APP_ID: "1", GITHUB_APP_PRIVATE_KEY: "x", DISPATCH_SECRET: "d".repeat(32) };
  const withSecrets = () => {
    const { SECRETS_PATH: _none, ...rest } = env;
    return { ...rest, ...secrets };
  };

  test("refuse pools of driver local, which have no machine in Lambda", async () => {
    const start = openDispatcher({ ...withSecrets(), PUBLIC_URL: "https://api.example.org" }, dir);
    await expect(start).rejects.toThrow(/pools\.local\.driver[\s\S]*Lambda has none[\s\S]*npm start/);
  });

  test("need to know where workers reach them", async () => {
    await expect(openDispatcher(withSecrets(), dir)).rejects.toThrow(/PUBLIC_URL: It is not set/);
  });

  test("name every missing secret at once", async () => {
    const { GITHUB_APP_ID: _a, DISPATCH_SECRET: _b, ...rest } = withSecrets();
    await expect(openDispatcher(rest, dir)).rejects.toThrow(/GITHUB_APP_ID[\s\S]*DISPATCH_SECRET/);
  });
});
