// The webhook function's edge: what API Gateway brings is answered as the server answers it, byte for byte.
import { describe, expect, test } from "vitest";
import { WEBHOOK_PATH } from "../../../functions/http/webhook/app.ts";
import { createDeliveryHandler } from "../../../functions/lambda/take-delivery.ts";
import { StoreError } from "../../../shared/ports/store.ts";
import { aWord } from "../../domain/builders.ts";
import { httpEvent } from "../../fakes/lambda/events.ts";
import {
  createHttpWorld,
  deliveryRequest,
  type HttpWorld,
  jsonOf,
  OLD_SECRET,
  sign,
} from "../http/http-world.ts";

const QUEUED = jsonOf(aWord({ name: "构建 ✓" }));
const LIMIT = 1_000_000;

type Sent = { readonly body: string; readonly event?: string; readonly signature?: string | null };

async function overGateway(world: HttpWorld, sent: Sent, { base64 = false, maxBytes = LIMIT } = {}) {
  const { body, event = "workflow_job", signature = sign(body) } = sent;
  const handler = createDeliveryHandler(world.deliveries, { maxBytes });
  const answer = await handler(
    httpEvent({
      method: "POST",
      url: WEBHOOK_PATH,
      headers: {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "d-1",
        ...(signature === null ? {} : { "X-Hub-Signature-256": signature }),
      },
      body: Buffer.from(body),
      base64,
    }),
  );
  return { status: answer.statusCode, type: answer.headers["content-type"], body: answer.body };
}

async function overServer(world: HttpWorld, { body, ...options }: Sent) {
  const answer = await world.webhook.fetch(deliveryRequest(body, options));
  return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.text() };
}

test.each([null, undefined])("a call whose body is %s is answered, and nothing is recorded", async (body) => {
  const world = await createHttpWorld();
  const handler = createDeliveryHandler(world.deliveries, { maxBytes: LIMIT });
  const { body: _none, ...event } = httpEvent({
    method: "POST",
    url: WEBHOOK_PATH,
    headers: {},
    body: Buffer.from(""),
  });
  const answer = await handler(body === undefined ? event : { ...event, body });
  expect(answer.statusCode).toBe((await overServer(world, { body: "", signature: null })).status);
});

describe("both edges answer and log alike", () => {
  test.each<[string, number, Sent]>([
    ["a new job", 202, { body: QUEUED }],
    ["the secret that is being replaced", 202, { body: QUEUED, signature: sign(QUEUED, OLD_SECRET) }],
    ["a job of nobody", 202, { body: jsonOf(aWord({ labels: ["ubuntu-latest"] })) }],
    ["a ping", 200, { body: '{"zen":"Keep it logically awesome."}', event: "ping" }],
    ["an event that is not used", 202, { body: QUEUED, event: "push" }],
    ["no signature", 401, { body: QUEUED, signature: null }],
    ["a wrong signature", 401, { body: QUEUED, signature: sign("x") }],
    ["an empty body", 401, { body: "" }],
    ["no JSON", 400, { body: "payload=%7B%7D" }],
    ["no job", 400, { body: '{"action":"queued"}' }],
  ])("%s: %i", async (_, status, sent) => {
    const server = createHttpWorld();
    const expected = await overServer(server, sent);
    expect(expected.status).toBe(status);
    for (const base64 of [false, true]) {
      const gateway = createHttpWorld();
      expect(await overGateway(gateway, sent, { base64 })).toEqual(expected);
      expect(gateway.log.entries).toEqual(server.log.entries);
      expect(gateway.fuse.count).toBe(server.fuse.count);
    }
  });
});

test("the signature is over the bytes that GitHub sent, not over what API Gateway made of them", async () => {
  const body = Buffer.from(QUEUED).toString("base64");
  const sent = { body: QUEUED, signature: sign(body) };
  expect(await overGateway(createHttpWorld(), sent, { base64: true })).toMatchObject({ status: 401 });
});

test("the limit is in bytes, of the body as GitHub sent it", async () => {
  const bytes = Buffer.byteLength(QUEUED);
  expect(bytes).toBeGreaterThan(QUEUED.length);
  for (const base64 of [false, true]) {
    const world = createHttpWorld();
    const over = await overGateway(world, { body: QUEUED }, { base64, maxBytes: bytes - 1 });
    expect(over).toMatchObject({ status: 413, body: expect.stringContaining("Delivery rejected") });
    expect(world.fuse.count).toBe(0);
    expect(world.log.of("delivery-rejected")).toMatchObject([{ status: 413, reason: "too-large" }]);
    expect(await overGateway(world, { body: QUEUED }, { base64, maxBytes: bytes })).toMatchObject({
      status: 202,
    });
  }
});

test("a store that is away: 503, which GitHub shows as failed, and an error line", async () => {
  const world = createHttpWorld();
  const receiveDelivery = () => Promise.reject(new StoreError("the table is away", { retryable: true }));
  const broken = { ...world, deliveries: { ...world.deliveries, receiveDelivery } };
  expect(await overGateway(broken, { body: QUEUED })).toMatchObject({
    status: 503,
    body: expect.stringContaining("Not recorded"),
  });
  expect(world.log.of("delivery-failed")).toMatchObject([
    { level: "error", delivery: "d-1", error: { message: "the table is away" } },
  ]);
});
