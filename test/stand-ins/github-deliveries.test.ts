// The stand-in's webhook: signatures, faults, the delivery log and redelivery.
import { Webhooks } from "@octokit/webhooks";
import { afterEach, expect, test } from "vitest";
import {
  type GithubStandIn,
  type GithubStandInOptions,
  startGithubStandIn,
} from "../fakes/github/stand-in.ts";
import { appJwt, ask, receiveWebhooks, type WebhookReceiver } from "./github-client.ts";

const opened: { stop(): Promise<void> }[] = [];
const JOB = { owner: "octo-org", repo: "widgets", labels: ["npu"] };

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

async function start(
  options: GithubStandInOptions = {},
  statusOf?: (count: number) => number | undefined,
): Promise<{ github: GithubStandIn; hook: WebhookReceiver }> {
  const github = await startGithubStandIn(options);
  const hook = await receiveWebhooks(statusOf);
  opened.push(github, hook);
  github.setWebhook(hook.url);
  github.addOrganization("octo-org");
  return { github, hook };
}

function guids(hook: WebhookReceiver): unknown[] {
  return hook.received.map(({ headers }) => headers["x-github-delivery"]);
}

test("deliveries are signed over the raw body, with GitHub's headers", async () => {
  const { github, hook } = await start();
  github.queueWorkflowJob(JOB);
  await github.deliveriesIdle();
  const webhooks = new Webhooks({ secret: github.webhookSecret });
  const [{ headers, text }] = hook.received as [(typeof hook.received)[0]];
  expect(await webhooks.verify(text, String(headers["x-hub-signature-256"]))).toBe(true);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "x-github-event": "workflow_job",
    "x-github-hook-installation-target-id": String(github.appId),
    "x-github-hook-installation-target-type": "integration",
    "user-agent": expect.stringMatching(/^GitHub-Hookshot\//),
  });
});

test("a failed delivery is in the log and comes again, with the same GUID, only when asked for", async () => {
  const { github, hook } = await start({}, (count) => (count === 1 ? 502 : 200));
  github.queueWorkflowJob(JOB);
  await github.deliveriesIdle();
  const token = appJwt(github, Date.now());
  const [failed] = github.deliveries();
  expect(failed).toMatchObject({ status: "Invalid HTTP Response: 502", statusCode: 502, redelivery: false });
  expect(hook.received).toHaveLength(1);

  const one = await ask(github, "GET", `/app/hook/deliveries/${failed?.id}`, { token });
  expect(one.body.request.payload.workflow_job.labels).toEqual(["npu"]);
  expect((await ask(github, "POST", `/app/hook/deliveries/${failed?.id}/attempts`, { token })).status).toBe(
    202,
  );
  await github.deliveriesIdle();
  expect(github.deliveries()[0]).toMatchObject({ guid: failed?.guid, redelivery: true, status: "OK" });
  expect(github.deliveries()[0]?.id).not.toBe(failed?.id);
  expect(new Set(guids(hook)).size).toBe(1);
});

test("ids beyond 2^53 arrive whole, and the log is read by cursor", async () => {
  const { github } = await start();
  for (let index = 0; index < 5; index += 1) github.queueWorkflowJob(JOB);
  await github.deliveriesIdle();
  const token = appJwt(github, Date.now());
  const ids: string[] = [];
  let path: string | undefined = "/app/hook/deliveries?per_page=2";
  while (path !== undefined) {
    const url: string = path.startsWith("http") ? path : github.apiUrl + path;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    ids.push(...[...(await response.text()).matchAll(/"id":(\d+)/g)].map((match) => match[1] ?? ""));
    path = /<(.+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  }
  expect(ids).toEqual(github.deliveries().map((delivery) => delivery.id));
  expect(BigInt(ids[0] ?? 0)).toBeGreaterThan(2n ** 53n);
});

test("a receiver that does not answer is timed out, and no filter finds that delivery", async () => {
  const { github } = await start({ deliveryTimeoutMs: 50 }, () => undefined);
  github.queueWorkflowJob(JOB);
  await github.deliveriesIdle();
  expect(github.deliveries()).toMatchObject([{ status: "timed out", statusCode: 0 }]);
  const token = appJwt(github, Date.now());
  for (const status of ["failure", "success"])
    expect((await ask(github, "GET", `/app/hook/deliveries?status=${status}`, { token })).body).toEqual([]);
});

test("lost deliveries are in the log, vanished ones are not", async () => {
  const { github, hook } = await start({ faults: { loseActions: ["queued"] } });
  const job = github.queueWorkflowJob(JOB);
  await github.deliveriesIdle();
  expect(github.deliveries()).toMatchObject([{ action: "queued", status: "failed to connect to host" }]);
  github.setFaults({ vanishActions: ["completed"] });
  github.cancel(job.id);
  await github.deliveriesIdle();
  expect(github.deliveries()).toHaveLength(1);
  expect(hook.received).toEqual([]);
});

test("duplicates repeat the GUID; delays and reordering lose nothing", async () => {
  const { github, hook } = await start({ faults: { duplicate: 1 } });
  github.queueWorkflowJob(JOB);
  await github.deliveriesIdle();
  expect(guids(hook)).toHaveLength(2);
  expect(new Set(guids(hook)).size).toBe(1);

  github.setFaults({ delayMs: [0, 5], reorder: true });
  const ids = Array.from({ length: 12 }, () => github.queueWorkflowJob(JOB).id);
  await github.deliveriesIdle();
  const arrived = hook.received.slice(2).map(({ body }) => body.workflow_job.id);
  expect([...arrived].sort((a, b) => a - b)).toEqual(ids);
  expect(arrived).not.toEqual(ids);
});

test("installation events carry the account and change the installation", async () => {
  const { github, hook } = await start();
  for (const action of ["suspend", "unsuspend", "new_permissions_accepted", "deleted", "created"] as const)
    github.installationEvent(action, "octo-org");
  await github.deliveriesIdle();
  const bodies = hook.received.map(({ body }) => body);
  expect(bodies.map((body) => body.action)).toEqual([
    "suspend",
    "unsuspend",
    "new_permissions_accepted",
    "deleted",
    "created",
  ]);
  expect(bodies.every((body) => body.installation.account.login === "octo-org")).toBe(true);
  expect(bodies[4].installation.id).not.toBe(bodies[0].installation.id);
});
