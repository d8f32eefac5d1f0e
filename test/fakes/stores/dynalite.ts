// dynalite in this process, for any platform, with what it lacks put before it: a stream for each table, and the setting of
// a TTL, whose items stay.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createStreams, type Item, type Streams } from "./table-streams.ts";

type Json = { readonly [member: string]: unknown };
type Answer = { readonly status: number; readonly body: Json };
/** Of one request: what its target says behind the point, and its body. */
type Ask = (operation: string, body: Json) => Promise<Answer>;

const WRITES = ["PutItem", "UpdateItem", "DeleteItem"];
const HEADERS = { "content-type": "application/x-amz-json-1.0" };

export async function startDynalite(): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  const dynalite = createRequire(import.meta.url)("dynalite") as (options: object) => Server;
  const inner = await listen(dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }));
  const streams = createStreams();
  const answer = answersOf(inner.endpoint, streams);
  const outer = await listen(createServer((request, response) => void pass(request, response, answer)));
  const stop = async (): Promise<void> => {
    await outer.stop();
    await inner.stop();
  };
  return { endpoint: outer.endpoint, stop };
}

function answersOf(endpoint: string, streams: Streams): (target: string, headers: Json) => Ask {
  const ttls = new Map<string, Json>();
  // One write after the other: each record has its place.
  let writes: Promise<unknown> = Promise.resolve();
  const inTurn = (act: () => Promise<Answer>): Promise<Answer> => {
    const done = writes.then(act);
    writes = done.catch(() => undefined);
    return done;
  };
  return (target, headers) => {
    const [service = ""] = target.split(".");
    if (service.startsWith("DynamoDBStreams")) return async (name, body) => streams.answer(name, body);
    const ask: Ask = (name, body) =>
      send(endpoint, { ...headers, "x-amz-target": `${service}.${name}` }, body);
    return async (name, body) => {
      if (WRITES.includes(name)) return inTurn(() => write(ask, streams, name, body));
      if (name.endsWith("TimeToLive")) return ttlAnswer(ttls, name, body);
      return withStream(await ask(name, body), streams.arnOf(String(body["TableName"])));
    };
  };
}

async function write(ask: Ask, streams: Streams, operation: string, body: Json): Promise<Answer> {
  const item = (body["Item"] ?? body["Key"]) as Item;
  // All our tables have this one key.
  const Keys = { pk: item["pk"] } as Item;
  const read = async () => {
    const asked = { TableName: body["TableName"], Key: Keys, ConsistentRead: true };
    return (await ask("GetItem", asked)).body["Item"] as Item | undefined;
  };
  const before = await read();
  const answer = await ask(operation, body);
  if (answer.status === 200) streams.add(String(body["TableName"]), { Keys, before, after: await read() });
  return answer;
}

/** Where the answer describes a table. */
function withStream({ status, body }: Answer, LatestStreamArn: string): Answer {
  const described = ["Table", "TableDescription"].find((name) => name in body);
  if (described === undefined) return { status, body };
  return { status, body: { ...body, [described]: { ...(body[described] as Json), LatestStreamArn } } };
}

function ttlAnswer(ttls: Map<string, Json>, operation: string, body: Json): Answer {
  const table = String(body["TableName"]);
  const given = body["TimeToLiveSpecification"] as Json | undefined;
  if (operation === "DescribeTimeToLive" || given === undefined) {
    const off = { TimeToLiveStatus: "DISABLED" };
    return { status: 200, body: { TimeToLiveDescription: ttls.get(table) ?? off } };
  }
  ttls.set(table, { TimeToLiveStatus: "ENABLED", AttributeName: given["AttributeName"] });
  return { status: 200, body: { TimeToLiveSpecification: given } };
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  answersFor: (target: string, headers: Json) => Ask,
): Promise<void> {
  const chunks: Buffer[] = await request.toArray();
  const { "x-amz-target": target = "", authorization, "x-amz-date": date } = request.headers;
  const operation = String(target).split(".")[1] ?? "";
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    const ask = answersFor(String(target), { ...HEADERS, authorization, "x-amz-date": date });
    const { status, body } = await ask(operation, JSON.parse(text || "{}") as Json);
    response.writeHead(status, HEADERS).end(JSON.stringify(body));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    response.writeHead(500, HEADERS).end(JSON.stringify({ __type: "InternalServerError", message }));
  }
}

async function send(endpoint: string, headers: Json, body: Json): Promise<Answer> {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(endpoint, {
    method: "POST",
    headers: Object.fromEntries(given),
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

async function listen(server: Server): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  // Their 5 s would close a kept connection just when a busy client writes to it.
  server.keepAliveTimeout = 65_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { endpoint: `http://127.0.0.1:${port}`, stop };
}
