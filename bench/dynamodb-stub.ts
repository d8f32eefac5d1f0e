// A DynamoDB that takes any write and remembers the last item: it answers at once, however much it was told.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export type DynamodbStub = { readonly endpoint: string; stop(): Promise<void> };

export async function startDynamodbStub(): Promise<DynamodbStub> {
  let lastPut = "{}";
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const asked = String(request.headers["x-amz-target"]).endsWith(".GetItem");
    if (!asked) lastPut = body;
    const answer = asked ? JSON.stringify({ Item: JSON.parse(lastPut).Item }) : "{}";
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(answer);
  });
  // Node's 5 s would close a kept connection just when a client writes to it.
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
