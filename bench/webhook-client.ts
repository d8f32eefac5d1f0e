// One sandbox of the webhook function: imports the bundle, takes deliveries, prints what it cost. A process of its own.
import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";

const [bundle = "", secret = "", payload = "", count = "0"] = process.argv.slice(2);
const body = await (await import("node:fs/promises")).readFile(payload, "utf8");
const FIRST_ID = 100_000_000_000;

const before = performance.now();
const { handler } = await import(pathToFileURL(bundle).href);
await deliver(0);
const coldMs = performance.now() - before;
for (let warm = 1; warm <= 200; warm++) await deliver(warm);
const cpu = process.cpuUsage();
for (let id = 1_000; id < 1_000 + Number(count); id++) await deliver(id);
const { user, system } = process.cpuUsage(cpu);
const cpuMs = (user + system) / 1_000 / Math.max(1, Number(count));
process.stderr.write(`${JSON.stringify({ coldMs, cpuMs })}\n`);
process.exit(0);

async function deliver(id: number): Promise<void> {
  const text = body.replaceAll("4711471147", String(FIRST_ID + id + process.pid * 100_000));
  const signature = createHmac("sha256", secret).update(text).digest("hex");
  const answer = await handler(eventOf(text, `sha256=${signature}`), {});
  if (answer.statusCode !== 202 || !answer.body.includes('"recorded":true')) {
    throw new Error(`the delivery was answered ${answer.statusCode}: ${answer.body}`);
  }
}

function eventOf(text: string, signature: string) {
  return {
    version: "2.0",
    routeKey: "POST /webhooks/github",
    rawPath: "/webhooks/github",
    rawQueryString: "",
    headers: {
      host: "example.execute-api.eu-central-1.amazonaws.com",
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(text)),
      "x-github-event": "workflow_job",
      "x-github-delivery": "00000000-0000-4000-8000-000000000000",
      "x-hub-signature-256": signature,
    },
    requestContext: {
      accountId: "1",
      apiId: "a",
      authentication: null,
      authorizer: {},
      domainName: "example",
      domainPrefix: "example",
      http: {
        method: "POST",
        path: "/webhooks/github",
        protocol: "HTTP/1.1",
        sourceIp: "192.0.2.1",
        userAgent: "GitHub-Hookshot",
      },
      requestId: "r",
      routeKey: "POST /webhooks/github",
      stage: "$default",
      time: "21/Nov/2026:00:00:00 +0000",
      timeEpoch: 0,
    },
    isBase64Encoded: false,
    body: text,
  };
}
