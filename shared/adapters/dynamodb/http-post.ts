// One POST over a kept connection, on Node's own client and nothing else: it is on the webhook's cold start.
import type { Agent, IncomingMessage } from "node:http";

export type HttpAnswer = { readonly status: number; readonly body: string };
export type HttpPost = {
  /** Throws when no whole answer came within `timeoutMs`. */
  post(headers: Readonly<Record<string, string>>, body: string, timeoutMs: number): Promise<HttpAnswer>;
  close(): void;
};

export function createHttpPost(url: URL): HttpPost {
  const { request, agent } = clientOf(url);
  return {
    post: (headers, body, timeoutMs) =>
      new Promise((resolve, reject) => {
        const signal = AbortSignal.timeout(timeoutMs);
        const sent = request(url, { method: "POST", headers, agent, signal }, (answer) => {
          read(answer).then(resolve, reject);
        });
        sent.on("error", reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/**
 * `import "node:http"` costs 23 to 35 ms on Node 24, because listing the module's exports loads its WebSocket, and so
 * undici; taken this way it is 3 ms.
 */
function clientOf(url: URL): { request: typeof import("node:http").request; agent: Agent } {
  const options = { keepAlive: true };
  if (url.protocol === "https:") {
    const https = process.getBuiltinModule("node:https");
    return { request: https.request, agent: new https.Agent(options) };
  }
  const http = process.getBuiltinModule("node:http");
  return { request: http.request, agent: new http.Agent(options) };
}

async function read(answer: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
}
