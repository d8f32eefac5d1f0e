// One sandbox of the webhook function: imports the bundle, takes deliveries, prints what they cost. A process of its own.
import { readFile } from "node:fs/promises";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";

type Handler = (event: APIGatewayProxyEventV2, context: object) => Promise<APIGatewayProxyStructuredResultV2>;

/** What to do; made by the parent, so that nothing the function needs is loaded here before its cold start. */
export type Plan = {
  readonly bundle: string;
  readonly first: APIGatewayProxyEventV2;
  /** Key of the row that the first delivery leaves. */
  readonly pk: string;
  readonly table: string;
  readonly region: string;
  readonly endpoint: string;
  readonly secret: string;
  /** In each this many calls of each kind; 0: the cold start only. */
  readonly rounds: number;
  readonly callsPerRound: number;
  /** Not counted: the compiler takes some 1,000 calls to settle. */
  readonly warmUpRounds: number;
};

const COMPARED = ["cpuMs", "sdkPutCpuMs", "barePostCpuMs"] as const;

/** CPU of the whole process a call, its threads included. */
export type WarmCost = { readonly [name in (typeof COMPARED)[number]]: number };

const plan = JSON.parse(await readFile(process.argv[2] ?? "", "utf8")) as Plan;
const startedAt = performance.now();
const { handler } = (await import(plan.bundle)) as { handler: Handler };
await deliver(plan.first);
const coldMs = performance.now() - startedAt;
const warm = plan.rounds === 0 ? {} : await measureWarm();
process.stderr.write(`${JSON.stringify({ coldMs, ...warm })}\n`);
process.exit(0);

/** They take turns, so that whatever else the machine does weighs on them alike. */
async function measureWarm(): Promise<WarmCost> {
  const { putOverSdk, postBare } = await openOthers();
  const { rounds, callsPerRound, warmUpRounds } = plan;
  const spent = { cpuMs: 0, sdkPutCpuMs: 0, barePostCpuMs: 0 };
  for (let round = 0; round < rounds; round++) {
    const events = Array.from({ length: callsPerRound }, (_, call) =>
      signedEvent(round * callsPerRound + call),
    );
    const cost = {
      cpuMs: await cpuOf(callsPerRound, (call) => deliver(events[call] ?? plan.first)),
      sdkPutCpuMs: await cpuOf(callsPerRound, putOverSdk),
      barePostCpuMs: await cpuOf(callsPerRound, postBare),
    };
    if (round < warmUpRounds) continue;
    for (const name of COMPARED) spent[name] += cost[name] / (rounds - warmUpRounds);
  }
  return spent;
}

/** Milliseconds a call. */
async function cpuOf(calls: number, run: (call: number) => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  for (let call = 0; call < calls; call++) await run(call);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / calls;
}

async function deliver(event: APIGatewayProxyEventV2): Promise<void> {
  const { statusCode, body } = await handler(event, {});
  if (statusCode !== 202 || !body?.includes('"recorded":true')) {
    throw new Error(`the delivery was answered ${statusCode}: ${body}`);
  }
}

/** The first event for another job; two processes never have the same one. */
function signedEvent(number: number): APIGatewayProxyEventV2 {
  const id = plan.pk.replace("job#gh-", "");
  const other = String(Number(id) + process.pid * 10_000 + number + 1);
  const { createHmac } = process.getBuiltinModule("node:crypto");
  const body = (plan.first.body ?? "").replaceAll(id, other);
  const signature = `sha256=${createHmac("sha256", plan.secret).update(body).digest("hex")}`;
  return { ...plan.first, body, headers: { ...plan.first.headers, "x-hub-signature-256": signature } };
}

/**
 * Two ways to write the row that a delivery leaves. The SDK's: the peer's function costs mostly such
 * calls. The bare one, unsigned over Node's own client: what would be left
 * if none of our own code were.
 */
async function openOthers() {
  const { DynamoDBClient, GetItemCommand, PutItemCommand } = await import("@aws-sdk/client-dynamodb");
  const client = new DynamoDBClient({ region: plan.region, endpoint: plan.endpoint });
  const key = { pk: { S: plan.pk } };
  const { Item } = await client.send(new GetItemCommand({ TableName: plan.table, Key: key }));
  if (Item === undefined) throw new Error(`the first delivery left no ${plan.pk}`);
  const put = {
    TableName: plan.table,
    Item: { ...Item, expiresAt: { N: "1" } },
    ConditionExpression: "attribute_not_exists(pk) OR expiresAt <= :nowSeconds",
    ExpressionAttributeValues: { ":nowSeconds": { N: "2" } },
  };
  await client.send(new PutItemCommand({ TableName: plan.table, Item: put.Item }));
  return {
    putOverSdk: async () => void (await client.send(new PutItemCommand(put))),
    postBare: poster(JSON.stringify(put)),
  };
}

function poster(body: string): () => Promise<void> {
  const { Agent, request } = process.getBuiltinModule("node:http");
  const agent = new Agent({ keepAlive: true });
  const headers = {
    authorization:
      "AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    "content-length": String(Buffer.byteLength(body)),
    "content-type": "application/x-amz-json-1.0",
    "x-amz-date": "20261121T000000Z",
    "x-amz-target": "DynamoDB_20120810.PutItem",
  };
  return () =>
    new Promise((resolve, reject) => {
      const sent = request(plan.endpoint, { method: "POST", headers, agent }, (answer) => {
        answer.on("error", reject);
        answer.on("end", () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`answered ${answer.statusCode}`)),
        );
        answer.resume();
      });
      sent.on("error", reject);
      sent.end(body);
    });
}
