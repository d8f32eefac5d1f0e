// What a caller is told of a job that waits: its own, a workflow job's, and labels that nearly are an endpoint's.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { githubJobId } from "../../../../shared/domain/ids.ts";
import { jobFromWord } from "../../../../shared/domain/job/job-events.ts";
import { receiveDelivery } from "../../../../shared/usecases/intake/receive-delivery.ts";
import { anEndpoint, aWord, T0 } from "../../../domain/builders.ts";
import type { OidcIssuer } from "../../../fakes/oidc-issuer.ts";
import { startOidcIssuer } from "../../../fakes/oidc-issuer.ts";
import type { ClientWorld } from "./client-world.ts";
import { createClientWorld, ECHO, OTHER_KEY } from "./client-world.ts";

let issuer: OidcIssuer;
beforeAll(async () => {
  issuer = await startOidcIssuer();
});
afterAll(() => issuer.close());

const WORD = aWord({ name: "test (1)" });
const ENDPOINT = anEndpoint().name;
const path = `/v2/${ENDPOINT}/status/${githubJobId(WORD.workflowJobId)}`;

async function worldWithWorkflowJob(
  status: "queued" | "in_progress" | "completed" = "queued",
): Promise<ClientWorld> {
  const world = await createClientWorld({ issuer });
  const runner = status === "queued" ? undefined : { id: 9, name: "npud-t3st00-worker0001" };
  const conclusion = status === "completed" ? "failure" : undefined;
  const word = { ...WORD, status, runner, conclusion, startedAt: T0 };
  await world.stores.jobs.create(jobFromWord(word, anEndpoint(), T0 + 5));
  return world;
}

describe("a workflow job", () => {
  test("shows its phase and why it waits, then its end with the reason", async () => {
    const queued = await (await worldWithWorkflowJob()).call("GET", path);
    expect(queued).toMatchObject({
      status: 200,
      // The test's dispatch.yaml has no such endpoint: as after its removal.
      body: { status: "IN_QUEUE", phase: "queued", whyWaiting: { code: "endpoint-removed", since: T0 } },
    });
    const running = await (await worldWithWorkflowJob("in_progress")).call("GET", path);
    expect(running.body).toMatchObject({ status: "IN_PROGRESS", phase: "running", delayTime: 5 });
    expect(running.body).not.toHaveProperty("whyWaiting");
    const ended = await (await worldWithWorkflowJob("completed")).call("GET", path);
    expect(ended.body).toMatchObject({
      status: "FAILED",
      endReason: "workflow-job-failed",
      endClass: "user",
      error: "GitHub: failure on npud-t3st00-worker0001",
    });
    expect(ended.body).not.toHaveProperty("phase");
  });

  test("is seen by its tenant's keys and its repository's steps, at its endpoint, and by nobody else", async () => {
    const world = await worldWithWorkflowJob();
    const statusFor = async (key: string | undefined, at = path) =>
      (await world.call("GET", at, key === undefined ? {} : { key })).status;
    expect(await statusFor(undefined)).toBe(200);
    expect(await statusFor(await issuer.sign(T0))).toBe(200);
    expect(await statusFor(await issuer.sign(T0, { claims: { repository_id: "82" } }))).toBe(404);
    expect(await statusFor(OTHER_KEY)).toBe(404);
    expect(await statusFor(undefined, path.replace(ENDPOINT, ECHO))).toBe(404);
  });

  test("is not to be cancelled, retried or streamed here: GitHub does that", async () => {
    const world = await worldWithWorkflowJob();
    for (const route of ["cancel", "retry", "stream"]) {
      expect((await world.call("POST", path.replace("status", route))).status).toBe(404);
    }
    expect((await world.job(githubJobId(WORD.workflowJobId))).state).toBe("IN_QUEUE");
  });
});

describe("near misses", () => {
  test("are those of the key's owner, with what is wrong, and none of its neighbours'", async () => {
    const world = await createClientWorld({ issuer });
    for (let times = 0; times < 2; times++) {
      await receiveDelivery(world.deps, aWord({ labels: ["linux-arm64-npu1"] }));
    }
    const { body } = await world.call("GET", "/v2/near-misses");
    expect(body["nearMisses"]).toMatchObject([
      {
        labels: ["linux-arm64-npu1"],
        count: 2,
        lastUrl: WORD.htmlUrl,
        whyWaiting: { code: "labels-not-served", message: expect.stringContaining('"linux-arm64-npu-1"') },
      },
    ]);
    expect((await world.call("GET", "/v2/near-misses", { key: OTHER_KEY })).body).toEqual({ nearMisses: [] });
    expect((await world.call("GET", "/v2/near-misses", { key: await issuer.sign(T0) })).status).toBe(403);
    expect((await world.call("POST", "/v2/near-misses")).headers.get("allow")).toBe("GET");
  });
});
