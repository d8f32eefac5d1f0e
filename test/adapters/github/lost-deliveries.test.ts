// Lost webhooks over real HTTP: the stand-in's log, the real adapter, and a webhook that was down.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithub } from "../../../shared/adapters/github/github.ts";
import { redact } from "../../../shared/redacted.ts";
import { recoverDeliveries } from "../../../shared/usecases/intake/recover-deliveries.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";
import { type GithubStandIn, startGithubStandIn } from "../../fakes/github/stand-in.ts";
import { createMemoryStores } from "../../fakes/stores/memory-stores.ts";

const MINUTE_MS = 60_000;
let ahead = 0;
const clock = { now: () => Date.now() + ahead };

let standIn: GithubStandIn;
let webhook: Server;
/** What the webhook answers, and the events that it took in. */
let status = 200;
const heard: string[] = [];

beforeEach(async () => {
  ahead = 0;
  status = 200;
  heard.length = 0;
  standIn = await startGithubStandIn({ now: clock.now, rejectRepeatedJwt: true });
  standIn.addOrganization("octo-org");
  webhook = createServer((request, response) => {
    if (status === 200) heard.push(String(request.headers["x-github-delivery"]));
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));
  standIn.setWebhook(`http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`);
});
afterEach(async () => {
  await standIn.stop();
  webhook.closeAllConnections();
  await new Promise((resolve) => webhook.close(resolve));
});

function createDeps() {
  const log = createCollectingLog();
  let serial = 0;
  const github = createGithub({
    app: { appId: String(standIn.appId), privateKey: redact(standIn.privateKey) },
    apiUrl: standIn.apiUrl,
    clock,
    random: { token: (length) => String(++serial).padStart(length, "0"), fraction: () => 0 },
    log,
    pause: async () => undefined,
  });
  return { clock, log, github, stores: createMemoryStores({ clock }) };
}

test("all that met a refusal or no answer is delivered again, and nothing else", async () => {
  const deps = createDeps();
  await recoverDeliveries(deps);
  const queue = () => standIn.queueWorkflowJob({ owner: "octo-org", repo: "widgets", labels: ["npu-1"] });
  queue();
  await standIn.deliveriesIdle();
  // Refused by us, 5xx of ours, and nobody there: GitHub's log shows three kinds of failure.
  for (const answer of [401, 503]) {
    status = answer;
    for (let n = 0; n < 5; n++) queue();
    await standIn.deliveriesIdle();
  }
  standIn.setFaults({ lose: 1 });
  for (let n = 0; n < 5; n++) queue();
  standIn.installationEvent("suspend", "octo-org");
  await standIn.deliveriesIdle();
  status = 200;
  expect(heard).toHaveLength(1);

  ahead += 6 * MINUTE_MS;
  await recoverDeliveries(deps);
  await standIn.deliveriesIdle();
  expect(new Set(heard).size).toBe(17);
  expect(heard).toHaveLength(17);
  ahead += 6 * MINUTE_MS;
  await recoverDeliveries(deps);
  await standIn.deliveriesIdle();
  expect(heard).toHaveLength(17);
  const calls = standIn.clientCalls.filter(({ path }) => path.startsWith("/app/hook/deliveries"));
  expect(calls.filter(({ method }) => method === "POST").map((call) => call.status)).toEqual(
    Array(16).fill(202),
  );
  expect(calls.filter(({ method }) => method === "GET")).toHaveLength(3);
  expect(deps.log.entries.filter(({ level }) => level !== "info")).toEqual([]);
});

test("a limit of GitHub's ends the pass with a warning; a later one does the rest", async () => {
  const deps = createDeps();
  await recoverDeliveries(deps);
  standIn.setFaults({ lose: 1 });
  standIn.queueWorkflowJob({ owner: "octo-org", repo: "widgets", labels: ["npu-1"] });
  await standIn.deliveriesIdle();
  ahead += 6 * MINUTE_MS;
  standIn.failNext(/deliveries$/, 429, 1, { "retry-after": "30" });
  await recoverDeliveries(deps);
  expect(deps.log.of("deliveries-not-recovered")).toHaveLength(1);
  expect(heard).toEqual([]);
  ahead += MINUTE_MS;
  await recoverDeliveries(deps);
  await standIn.deliveriesIdle();
  expect(heard).toHaveLength(1);
});
