// One POST over a kept connection, on Node's own client and nothing else: it is on the webhook's cold start.
import type { Agent, IncomingMessage } from "node:http";
import { urlToHttpOptions } from "node:url";

export type HttpAnswer = { readonly status: number; readonly body: string };
export type HttpPost = {
  /** Throws when no whole answer came within `timeoutMs`. */
  post(headers: Readonly<Record<string, string>>, body: string, timeoutMs: number): Promise<HttpAnswer>;
  close(): void;
};

export function createHttpPost(url: URL): HttpPost {
  const { request, agent } = clientOf(url);
  const target = { ...urlToHttpOptions(url), method: "POST", agent };
  return {
    post: (headers, body, timeoutMs) =>
      new Promise((resolve, reject) => {
        const sent = request({ ...target, headers });
        // A timer and plain events: an AbortSignal and an async iterator add 35 to 60 us to a POST of 135 to 190.
        const timer = setTimeout(() => {
          fail(new TimedOut(timeoutMs));
          sent.destroy();
        }, timeoutMs);
        const fail = (error: unknown) => {
          clearTimeout(timer);
          reject(error);
        };
        sent.on("error", fail);
        sent.on("response", (answer) => {
          read(answer, fail, (text) => {
            clearTimeout(timer);
            resolve({ status: answer.statusCode ?? 0, body: text });
          });
        });
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

class TimedOut extends Error {
  override readonly name = "TimeoutError";
  readonly code = "ETIMEDOUT";
  constructor(ms: number) {
    super(`no whole answer within ${ms} ms`);
  }
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

function read(answer: IncomingMessage, fail: (error: unknown) => void, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  answer.on("error", fail);
  answer.on("end", () => done(Buffer.concat(chunks).toString("utf8")));
}
