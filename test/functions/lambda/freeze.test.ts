// Functions that thaw with a pool of dead connections: no event may be lost to that, and it costs one attempt at most.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable } from "../../../shared/adapters/dynamodb/table.ts";
import { httpEvent, scheduleEvent } from "../../fakes/lambda/events.ts";
import { type Lambda, startLambda } from "../../fakes/lambda/lambda.ts";
import { type ParameterStore, startParameterStore } from "../../fakes/lambda/parameter-store.ts";
import type { Freezes } from "../../fakes/lambda/sandbox.ts";
import {
  type DynamodbServer,
  FAKE_CREDENTIALS,
  FAKE_REGION,
  startDynamodb,
} from "../../fakes/stores/dynamodb.ts";
import { delivery, packedConfig, WEBHOOK_SECRET } from "./samples.ts";

const TABLE = "freeze-test";
const PATH = "/npu-dispatch/test";
let dir: string;
let dynamodb: DynamodbServer;
let transport: ReturnType<typeof createSdkTransport>;
let parameters: ParameterStore;
let lambda: Lambda | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-freeze-"));
  await writeFile(join(dir, "config.json"), JSON.stringify(packedConfig()));
  dynamodb = await startDynamodb();
  const { endpoint } = dynamodb;
  transport = createSdkTransport({ region: FAKE_REGION, endpoint, credentials: FAKE_CREDENTIALS });
  await ensureTable(transport.call, TABLE);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  parameters = await startParameterStore({
    [`${PATH}/GITHUB_WEBHOOK_SECRET`]: WEBHOOK_SECRET,
    [`${PATH}/GITHUB_APP_ID`]: "1",
    [`${PATH}/GITHUB_APP_PRIVATE_KEY`]: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    [`${PATH}/DISPATCH_SECRET`]: "d".repeat(32),
  });
});
afterEach(async () => {
  await lambda?.stop();
});
afterAll(async () => {
  await parameters.stop();
  transport.close();
  await dynamodb.stop();
  await rm(dir, { recursive: true, force: true });
});

function start(name: "webhook" | "reconcile", freezes?: Freezes): Lambda {
  const env = {
    DISPATCH_TABLE: TABLE,
    DISPATCH_CONFIG: join(dir, "config.json"),
    SECRETS_PATH: PATH,
    PUBLIC_URL: "https://api.example.org",
    LOCAL_POOL_DIR: join(dir, "pools"),
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_SSM: parameters.endpoint,
  };
  const bundle = join(import.meta.dirname, "..", "..", "..", "functions", `${name}.ts`);
  const functions = { [name]: { bundle, env, timeoutMs: 60_000 } };
  lambda = startLambda({ functions, seed: 1, freezes });
  return lambda;
}

describe("a sandbox that thaws with dead connections", () => {
  test.each([0, 1])("reconcile passes, silent share %i", async (silentShare) => {
    const at = start("reconcile", { deadAfterMs: 0, silentShare });
    for (let pass = 0; pass < 2; pass++) {
      expect(await at.invoke("reconcile", scheduleEvent("reconcile"))).toMatchObject({ type: "answered" });
    }
    const { deadConnections, deadWrites, coldStarts } = at.stats()["reconcile"]!;
    expect(coldStarts).toBe(1);
    // The pool had more of them than a call has attempts, and only the calls that began at once met one.
    expect(deadConnections).toBeGreaterThan(8);
    expect(deadWrites).toBeGreaterThan(0);
  });

  test.each([0, 1])("webhook records its delivery, silent share %i", async (silentShare) => {
    const at = start("webhook", { deadAfterMs: 0, silentShare });
    for (const id of [31, 32]) {
      const outcome = await at.invoke("webhook", httpEvent(delivery(id)));
      expect(outcome).toMatchObject({ type: "answered", result: { statusCode: 202 } });
    }
    expect(at.stats()).toMatchObject({ webhook: { coldStarts: 1, deadConnections: 1, deadWrites: 1 } });
  });
});
