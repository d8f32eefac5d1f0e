// GitHub's deliveries over HTTP: what is let in, what each gets for an answer, and what a flood costs.
import examples from "@octokit/webhooks-examples";
import { describe, expect, test } from "vitest";
import { MAX_DELIVERY_BYTES, WEBHOOK_PATH } from "../../../../functions/http/webhook/app.ts";
import { StoreError } from "../../../../shared/ports/store.ts";
import { aWord } from "../../../domain/builders.ts";
import type { HttpWorld } from "../http-world.ts";
import { createHttpWorld, deliveryRequest, jsonOf, listen, OLD_SECRET, sign } from "../http-world.ts";

const QUEUED = jsonOf(aWord());

async function post(world: HttpWorld, request: Request) {
  const response = await world.webhook.fetch(request);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("a delivery of ours", () => {
  test("is recorded, and answered 202 with the job", async () => {
    const world = createHttpWorld();
    const id = `gh-${aWord().workflowJobId}`;
    expect(await post(world, deliveryRequest(QUEUED))).toEqual({
      status: 202,
      body: { recorded: true, job: id, state: "IN_QUEUE" },
    });
    expect(world.log.of("delivery-recorded")).toMatchObject([
      { delivery: "d-1", job: id, githubEvent: "workflow_job.queued" },
    ]);
    await world.settle();
    expect(world.pool.started).toHaveLength(1);
  });

  test("again, is 202 and not recorded", async () => {
    const world = createHttpWorld();
    await post(world, deliveryRequest(QUEUED));
    expect(await post(world, deliveryRequest(QUEUED))).toMatchObject({
      status: 202,
      body: { recorded: false },
    });
  });

  test("signed with the secret that is being replaced, is recorded too", async () => {
    const world = createHttpWorld();
    const signature = sign(QUEUED, OLD_SECRET);
    expect(await post(world, deliveryRequest(QUEUED, { signature }))).toMatchObject({
      body: { recorded: true },
    });
  });
});

describe("rejected without a write", () => {
  const wrong = `sha256=${"0".repeat(64)}`;
  test.each([
    ["no signature", deliveryRequest(QUEUED, { signature: null }), 401],
    ["an empty signature", deliveryRequest(QUEUED, { signature: "" }), 401],
    ["a wrong signature", deliveryRequest(QUEUED, { signature: wrong }), 401],
    ["a signature cut short", deliveryRequest(QUEUED, { signature: sign(QUEUED).slice(0, 40) }), 401],
    ["a signature that is not hex", deliveryRequest(QUEUED, { signature: `sha256=${"z".repeat(64)}` }), 401],
    ["SHA-1", deliveryRequest(QUEUED, { signature: sign(QUEUED).replace("sha256", "sha1") }), 401],
    ["another secret", deliveryRequest(QUEUED, { signature: sign(QUEUED, "another") }), 401],
    ["a body cut short", deliveryRequest(QUEUED.slice(0, -9), { signature: sign(QUEUED) }), 401],
    ["an empty body", deliveryRequest("", { signature: sign("") }), 401],
    ["a signed body that is not JSON", deliveryRequest("payload=%7B%7D"), 400],
    ["a signed body without a job", deliveryRequest('{"action":"queued"}'), 400],
    ["signed null", deliveryRequest("null"), 400],
  ])("%s", async (_name, request, status) => {
    const world = createHttpWorld();
    const answer = await post(world, request);
    expect(answer).toMatchObject({
      status,
      body: { status, title: "Delivery rejected", detail: expect.any(String) },
    });
    expect(answer.body["error"]).toBe(answer.body["detail"]);
    expect(world.fuse.count).toBe(0);
    expect(world.log.of("delivery-rejected")).toHaveLength(1);
  });

  test.each([
    deliveryRequest("payload=%7B%22action%22%3A%22queued%22%7D"),
    deliveryRequest("a=b&payload=%7B%7D", {
      contentType: "application/x-www-form-urlencoded; charset=utf-8",
    }),
  ])("a form, GitHub's other content type, with the one to choose", async (request) => {
    const { status, body } = await post(createHttpWorld(), request);
    expect(status).toBe(400);
    expect(body["detail"]).toMatch(/is a form: set the webhook's Content type to application\/json/);
  });

  test("too large, with and without a content-length", async () => {
    const world = createHttpWorld();
    const server = await listen(world.webhook);
    try {
      const large = Buffer.alloc(MAX_DELIVERY_BYTES + 1, "x");
      const chunked = new ReadableStream({
        start(controller) {
          for (let at = 0; at < large.length; at += 100_000)
            controller.enqueue(large.subarray(at, at + 100_000));
          controller.close();
        },
      });
      for (const body of [large, chunked]) {
        const init = { method: "POST", body, headers: { "x-hub-signature-256": "sha256=0" }, duplex: "half" };
        const response = await fetch(`${server.url}${WEBHOOK_PATH}`, init as RequestInit);
        expect(response.status).toBe(413);
        expect(await response.json()).toMatchObject({ status: 413, title: "Delivery rejected" });
      }
      expect(world.fuse.count).toBe(0);
    } finally {
      await server.close();
    }
  });

  test("a flood: no write, and one line per reason and minute", async () => {
    const world = createHttpWorld();
    for (let minute = 0; minute < 3; minute++) {
      for (let n = 0; n < 100; n++) {
        await post(world, deliveryRequest(QUEUED, { signature: wrong }));
        await post(world, deliveryRequest(QUEUED, { signature: null }));
      }
      world.clock.advance(60_000);
    }
    expect(world.fuse.count).toBe(0);
    const lines = world.log.of("delivery-rejected");
    expect(lines.map(({ reason, count }) => [reason, count])).toEqual([
      ["wrong-signature", undefined],
      ["unsigned", undefined],
      ["wrong-signature", 99],
      ["unsigned", 99],
      ["wrong-signature", 99],
      ["unsigned", 99],
    ]);
  });
});

describe("other events", () => {
  test("ping is answered", async () => {
    const world = createHttpWorld();
    expect(
      await post(world, deliveryRequest('{"zen":"Design for failure."}', { event: "ping" })),
    ).toMatchObject({ status: 200 });
  });

  test.each(["push", "constructor", ""])("%j is not used, and not an error", async (event) => {
    const world = createHttpWorld();
    expect(await post(world, deliveryRequest(QUEUED, { event }))).toMatchObject({
      status: 202,
      body: { recorded: false },
    });
    expect(world.fuse.count).toBe(0);
  });

  test.each([
    ["workflow_job", "paused", /^workflow_job\.paused is not used; nothing is to be done$/],
    ["installation", "renamed", /nothing is to be done/],
    ["github_app_authorization", "revoked", /nothing is to be done/],
    ["check_run", "created", /unsubscribe the App from it/],
  ])("%s.%s: only an event that nobody needs is to be unsubscribed from", async (event, action, reason) => {
    const request = deliveryRequest(JSON.stringify({ action }), { event });
    expect(await post(createHttpWorld(), request)).toEqual({
      status: 202,
      body: { recorded: false, reason: expect.stringMatching(reason) },
    });
  });

  test("GitHub's own installation examples change tenants", async () => {
    const world = createHttpWorld();
    const all = examples as unknown as { name: string; examples: object[] }[];
    for (const payload of all.find(({ name }) => name === "installation")?.examples ?? []) {
      const request = deliveryRequest(JSON.stringify(payload), { event: "installation" });
      expect(await post(world, request)).toMatchObject({ status: 202, body: { recorded: true } });
    }
    expect((await world.stores.tenants.list()).length).toBeGreaterThan(0);
  });

  test("another path or method is nobody's", async () => {
    const world = createHttpWorld();
    for (const [method, path] of [
      ["GET", WEBHOOK_PATH],
      ["POST", "/"],
      ["POST", `${WEBHOOK_PATH}/x`],
    ]) {
      const response = await world.webhook.request(path!, { method: method! });
      expect(response.status).toBe(404);
    }
  });
});

test("the store fails: 503, an error line, and the same delivery succeeds later", async () => {
  let faults = 1;
  const world = createHttpWorld({
    wrapStores: (stores) => ({
      ...stores,
      jobs: {
        ...stores.jobs,
        get: stores.jobs.get,
        replace: stores.jobs.replace,
        heads: stores.jobs.heads,
        create: async (job) => {
          if (faults-- > 0) throw new StoreError("the table is away", { retryable: true });
          return stores.jobs.create(job);
        },
      },
    }),
  });
  expect(await post(world, deliveryRequest(QUEUED))).toMatchObject({
    status: 503,
    body: { title: "Not recorded" },
  });
  expect(world.log.of("delivery-failed")).toMatchObject([
    { level: "error", delivery: "d-1", error: { message: "the table is away" } },
  ]);
  expect(await post(world, deliveryRequest(QUEUED))).toMatchObject({ status: 202, body: { recorded: true } });
});

test("a body that breaks off: 408, and no error of ours, since anybody can send it", async () => {
  const world = createHttpWorld();
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("cut off")) });
  const init = { method: "POST", body, duplex: "half", headers: { "content-length": "9" } };
  const request = new Request(`http://dispatch.test${WEBHOOK_PATH}`, init as RequestInit);
  expect(await post(world, request)).toMatchObject({ status: 408, body: { title: "Delivery rejected" } });
  expect(world.log.of("delivery-rejected")).toMatchObject([{ level: "warn", reason: "broken-off" }]);
  expect(world.log.of("delivery-failed")).toEqual([]);
});
