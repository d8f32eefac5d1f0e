// Deliveries: GitHub's published examples, the odd ones it does not publish, and noise.
import examples from "@octokit/webhooks-examples";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Delivery, parseDelivery } from "../../../shared/adapters/github/delivery.ts";

type Json = { readonly [key: string]: unknown; readonly workflow_job?: Json };

function examplesOf(event: string): Json[] {
  const definition = (examples as unknown as { name: string; examples: Json[] }[]).find(
    (entry) => entry.name === event,
  );
  return structuredClone(definition?.examples ?? []);
}

const parse = (event: string, payload: unknown): Delivery => parseDelivery(event, JSON.stringify(payload));

/** A payload like the published `queued` one, with some of its job's fields replaced. */
function jobDelivery(action: string, job: Json = {}, rest: Json = {}): Json {
  const payload = examplesOf("workflow_job")[5] as Json;
  return { ...payload, action, workflow_job: { ...payload.workflow_job, ...job }, ...rest };
}

function wordOf(delivery: Delivery) {
  if (delivery.type !== "workflow_job") throw new Error(`got ${JSON.stringify(delivery)}`);
  return delivery.word;
}

describe("workflow_job", () => {
  test("every published example becomes a word", () => {
    const words = examplesOf("workflow_job").map((example) => wordOf(parse("workflow_job", example)));
    const seen = words.map((word) => [
      word.status,
      word.conclusion,
      word.runner?.name,
      word.repository.owner.type,
    ]);
    expect(seen).toEqual([
      ["in_progress", undefined, "my runner", "Organization"],
      ["completed", "failure", "GitHub Actions 5", "Organization"],
      ["completed", "success", "GitHub Actions 5", "Organization"],
      ["in_progress", undefined, "GitHub Actions 5", "Organization"],
      ["in_progress", undefined, "GitHub Actions 6", "User"],
      ["queued", undefined, undefined, "Organization"],
      ["waiting", undefined, undefined, "User"],
      ["waiting", undefined, undefined, "User"],
    ]);
  });

  test("all fields of the gated example", () => {
    expect(wordOf(parse("workflow_job", examplesOf("workflow_job")[6]))).toEqual({
      workflowJobId: 12877621891,
      runId: 4747967848,
      runAttempt: 1,
      name: "test",
      workflowName: "Env Test",
      headBranch: "main",
      htmlUrl:
        "https://github.com/lineville/elastic-machines-testing/actions/runs/4747967848/jobs/8433573014",
      labels: ["self-hosted", "k8s"],
      repository: {
        id: 591427149,
        owner: { id: 25349044, login: "lineville", type: "User" },
        name: "elastic-machines-testing",
      },
      installationId: 23154469,
      status: "waiting",
      conclusion: undefined,
      runner: undefined,
      createdAt: Date.UTC(2023, 3, 19, 21, 12, 12),
      startedAt: Date.UTC(2023, 3, 19, 21, 12, 12),
    });
  });

  test("without created_at the start time stands in, without both it is invalid", () => {
    const [first] = examplesOf("workflow_job");
    expect(wordOf(parse("workflow_job", first)).createdAt).toBe(Date.UTC(2021, 5, 15, 19, 22, 27));
    const timeless = jobDelivery("queued", { created_at: null, started_at: null });
    expect(parse("workflow_job", timeless)).toEqual({
      type: "invalid",
      reason: "workflow_job.created_at is missing",
    });
  });

  test.each(["waiting", "requested", "pending"])(
    "queued with status %s waits for something else",
    (status) => {
      expect(wordOf(parse("workflow_job", jobDelivery("queued", { status }))).status).toBe("waiting");
    },
  );

  test("a late delivery keeps the rank of its action", () => {
    const word = wordOf(parse("workflow_job", jobDelivery("in_progress", { status: "completed" })));
    expect(word.status).toBe("in_progress");
  });

  test.each([
    { runner_id: 0, runner_name: "" },
    { runner_id: null, runner_name: null },
    { runner_id: "", runner_name: "" },
    { runner_id: undefined, runner_name: undefined },
  ])("cancelled before a runner took it: $runner_id", (runner) => {
    const delivery = jobDelivery("completed", { ...runner, status: "completed", conclusion: "cancelled" });
    expect(wordOf(parse("workflow_job", delivery))).toMatchObject({
      status: "completed",
      conclusion: "cancelled",
      runner: undefined,
    });
  });

  test("an unknown conclusion, a large id, no labels and no installation pass", () => {
    const delivery = jobDelivery(
      "completed",
      { id: 100_520_616_165, conclusion: "stale_2027", labels: [] },
      { installation: undefined },
    );
    expect(wordOf(parse("workflow_job", delivery))).toMatchObject({
      workflowJobId: 100_520_616_165,
      conclusion: "stale_2027",
      labels: [],
      installationId: undefined,
    });
  });

  test("an unknown action is ignored, not invalid", () => {
    const delivery = parse("workflow_job", jobDelivery("paused"));
    expect(delivery).toEqual({ type: "ignored", event: "workflow_job", action: "paused" });
  });

  test.each([
    [{ labels: ["a", 1] }, "workflow_job.labels[1] is missing or not of type string"],
    [{ id: 2 ** 60 }, "workflow_job.id is not as expected"],
    [{ id: "7" }, "workflow_job.id is missing or not of type number"],
    [{ created_at: "yesterday" }, "workflow_job.created_at is not an ISO 8601 time"],
  ])("the reason names the field: %j", (job, reason) => {
    expect(parse("workflow_job", jobDelivery("queued", job))).toEqual({ type: "invalid", reason });
  });

  test("an owner of an unknown type is named", () => {
    const payload = jobDelivery("queued");
    const owner = { id: 1, login: "x", type: "Robot" };
    const delivery = parse("workflow_job", { ...payload, repository: { id: 1, name: "r", owner } });
    expect(delivery).toEqual({
      type: "invalid",
      reason: "repository.owner.type is not one of Organization, User",
    });
  });
});

describe("installation", () => {
  test("every published example becomes an event", () => {
    const actions = examplesOf("installation").map((example) => {
      const delivery = parse("installation", example);
      return delivery.type === "installation" ? delivery.event.action : delivery;
    });
    expect(actions).toEqual(["deleted", "created", "created", "deleted", "changed", "suspend", "unsuspend"]);
  });

  test("its time, in seconds or as a text, orders the events of one installation", () => {
    const times = examplesOf("installation").map((example) => {
      const delivery = parse("installation", example);
      return delivery.type === "installation" ? delivery.event.updatedAt : delivery;
    });
    expect(times.slice(0, 2)).toEqual([1_525_109_899_000, 1_557_933_591_000]);
    expect(times.slice(-2)).toEqual([Date.parse("2021-04-29T02:32:50Z"), Date.parse("2021-04-29T02:32:50Z")]);
  });

  test("changed repositories are a change", () => {
    const seen = examplesOf("installation_repositories").map((example) => {
      const delivery = parse("installation_repositories", example);
      return delivery.type === "installation"
        ? [delivery.event.action, delivery.event.account.login]
        : delivery;
    });
    expect(seen).toEqual([
      ["changed", "Codertocat"],
      ["changed", "Codertocat"],
      ["changed", "octocat"],
    ]);
  });
});

describe("the rest", () => {
  test("ping, other events, events named like object members", () => {
    for (const example of examplesOf("ping")) expect(parse("ping", example)).toEqual({ type: "ping" });
    expect(parse("push", {})).toEqual({ type: "ignored", event: "push" });
    expect(parse("constructor", { action: "x" })).toEqual({
      type: "ignored",
      event: "constructor",
      action: "x",
    });
  });

  test.each([
    ["", "the body is not JSON"],
    ["{", "the body is not JSON"],
    ["null", "the body is missing or not of type object"],
    ["[]", "the body is missing or not of type object"],
    ['{"action":1}', "action is missing or not of type string"],
  ])("%s is invalid", (body, reason) => {
    expect(parseDelivery("workflow_job", body)).toEqual({ type: "invalid", reason });
  });
});

describe("noise", () => {
  const event = fc.constantFrom("workflow_job", "installation", "installation_repositories", "ping", "push");

  test("never throws, whatever the body", () => {
    fc.assert(
      fc.property(event, fc.oneof(fc.string(), fc.json()), (name, body) => {
        expect(parseDelivery(name, body).type).toMatch(/^(workflow_job|installation|ping|ignored|invalid)$/);
      }),
    );
  });

  test("one broken required field is invalid and named", () => {
    const required = ["id", "run_id", "name", "html_url", "labels", "status"];
    const broken = fc.oneof(fc.constant(null), fc.boolean(), fc.constant({ a: 1 }));
    fc.assert(
      fc.property(fc.constantFrom(...required), broken, (field, value) => {
        const delivery = parse("workflow_job", jobDelivery("queued", { [field]: value }));
        expect(delivery).toEqual({
          type: "invalid",
          reason: expect.stringContaining(`workflow_job.${field} `),
        });
      }),
    );
  });
});
