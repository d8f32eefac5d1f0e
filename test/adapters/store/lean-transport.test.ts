// The lean transport's retries, time-outs and errors, against a server that answers what each test says.
import { afterEach, expect, test, vi } from "vitest";
import { DynamoFault, type DynamoTransport } from "../../../shared/adapters/dynamodb/call.ts";
import {
  createLeanTransport,
  type LeanTransportOptions,
} from "../../../shared/adapters/dynamodb/lean-transport.ts";
import { type Recorder, type Reply, startRecorder } from "../../fakes/recorder.ts";
import { FAKE_CREDENTIALS, FAKE_REGION } from "../../fakes/stores/dynamodb.ts";

const FINE: Reply = { status: 200, body: "{}" };
const CONDITION = fault(400, "ConditionalCheckFailedException", "The conditional request failed");

let recorder: Recorder | undefined;
let transport: DynamoTransport | undefined;
afterEach(async () => {
  vi.useRealTimers();
  transport?.close();
  await recorder?.stop();
  transport = undefined;
  recorder = undefined;
});

test("an answer comes back, over one connection for many calls", async () => {
  const { call, heard } = await serve([{ status: 200, body: '{"Item":{"pk":{"S":"x"}}}' }, FINE]);
  expect(await call("GetItem", { TableName: "t" })).toEqual({ Item: { pk: { S: "x" } } });
  expect(await call("GetItem", { TableName: "t" })).toEqual({});
  expect(new Set(heard().map(({ port }) => port)).size).toBe(1);
});

test.each<[string, Reply]>([
  ["a server error", fault(500, "InternalServerError")],
  ["an unavailable service", { status: 503, body: "<html>busy</html>" }],
  ["throttling", fault(400, "ProvisionedThroughputExceededException")],
  ["a rate limit", fault(400, "ThrottlingException")],
  ["a reset connection", "drop"],
  ["an answer that is no JSON", { status: 200, body: '{"Item":' }],
])("%s is tried again", async (_, reply) => {
  const { call, heard, pauses } = await serve([reply, reply, FINE]);
  expect(await call("PutItem", { TableName: "t" })).toEqual({});
  expect(heard()).toHaveLength(3);
  expect(pauses).toEqual([25, 50]);
});

test("after three retries the fault is told, with what may have happened", async () => {
  const { call, heard, pauses } = await serve(
    Array.from({ length: 9 }, () => fault(500, "InternalServerError", "oops")),
  );
  await expect(call("PutItem", { TableName: "t" })).rejects.toMatchObject({
    code: "InternalServerError",
    message: "oops",
    retryable: true,
    effectUnknown: true,
  });
  expect(heard()).toHaveLength(4);
  expect(pauses).toEqual([25, 50, 100]);
});

test("throttling to the end leaves no doubt: nothing was applied", async () => {
  const { call } = await serve(Array.from({ length: 4 }, () => fault(400, "ThrottlingException")));
  await expect(call("PutItem", {})).rejects.toMatchObject({ retryable: true, effectUnknown: false });
});

test("an attempt without an answer in time is given up and tried again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { call, heard } = await serve(["hang", FINE], { timeoutMs: 2_000 });
  const answer = call("PutItem", {});
  await expect.poll(() => heard().length, { timeout: 10_000 }).toBe(1);
  vi.advanceTimersByTime(2_000);
  expect(await answer).toEqual({});
  expect(heard()).toHaveLength(2);
});

test("a failed condition is not tried again, and is certain", async () => {
  const { call, heard } = await serve([CONDITION]);
  await expect(call("PutItem", {})).rejects.toMatchObject({
    code: "ConditionalCheckFailedException",
    retryable: false,
    effectUnknown: false,
  });
  expect(heard()).toHaveLength(1);
});

test("a failed condition after a lost answer is in doubt, after throttling it is not", async () => {
  const lost = await serve(["drop", CONDITION]);
  await expect(lost.call("PutItem", {})).rejects.toMatchObject({
    code: "ConditionalCheckFailedException",
    effectUnknown: true,
  });
  await recorder?.stop();
  const throttled = await serve([fault(400, "ThrottlingException"), CONDITION]);
  await expect(throttled.call("PutItem", {})).rejects.toMatchObject({ effectUnknown: false });
});

test.each([
  "ValidationException",
  "ResourceNotFoundException",
  "AccessDeniedException",
  "ExpiredTokenException",
])("%s is final", async (code) => {
  const { call, heard } = await serve([fault(400, code, "no")]);
  await expect(call("PutItem", {})).rejects.toMatchObject({ code, retryable: false, effectUnknown: false });
  expect(heard()).toHaveLength(1);
});

test("a server that is not there is a fault with Node's code, and no secret in it", async () => {
  const { call, endpoint } = await serve([]);
  await recorder?.stop();
  recorder = undefined;
  const error = await call("PutItem", {}).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(DynamoFault);
  expect(error).toMatchObject({ code: "ECONNREFUSED", retryable: true });
  expect((error as Error).message).toContain(new URL(endpoint).port);
  expect(JSON.stringify([error, (error as Error).message])).not.toContain(FAKE_CREDENTIALS.secretAccessKey);
});

/** A transport to a server that gives these replies in turn; pauses are noted, not waited for. */
async function serve(replies: readonly Reply[], options: Partial<LeanTransportOptions> = {}) {
  const pauses: number[] = [];
  const started = await startRecorder((_, place) => replies[place] ?? "drop");
  recorder = started;
  transport?.close();
  transport = createLeanTransport({
    region: FAKE_REGION,
    credentials: FAKE_CREDENTIALS,
    endpoint: started.endpoint,
    random: { fraction: () => 0.5 },
    sleep: async (ms) => void pauses.push(ms),
    ...options,
  });
  return { call: transport.call, heard: () => started.heard, pauses, endpoint: started.endpoint };
}

function fault(status: number, code: string, message = ""): Reply {
  return { status, body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message }) };
}
