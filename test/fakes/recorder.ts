// An HTTP server on 127.0.0.1 that notes each request and answers what it is told, or nothing.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export type Heard = {
  readonly method: string;
  readonly path: string;
  readonly headers: { readonly authorization?: string; readonly [name: string]: string | undefined };
  readonly body: string;
  /** Of the client: the same for two requests over one connection. */
  readonly port: number | undefined;
};

/** `hang`: no answer, the connection stays; `drop`: the connection is reset. */
export type Reply = { readonly status: number; readonly body: string } | "hang" | "drop";

export type Recorder = { readonly endpoint: string; readonly heard: readonly Heard[]; stop(): Promise<void> };

export async function startRecorder(
  reply: (heard: Heard, place: number) => Reply | Promise<Reply>,
): Promise<Recorder> {
  const heard: Heard[] = [];
  const server = createServer(async (request, response) => {
    const noted = await note(request);
    heard.push(noted);
    const answer = await reply(noted, heard.length - 1);
    if (answer === "drop") request.socket.destroy();
    else if (answer !== "hang") {
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" }).end(answer.body);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { endpoint: `http://127.0.0.1:${port}`, heard, stop };
}

async function note(request: IncomingMessage): Promise<Heard> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = "", url = "", headers, socket } = request;
  return {
    method,
    path: url,
    headers: headers as Heard["headers"],
    port: socket.remotePort,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}
