// One POST over a kept connection, on Node's own client and nothing else: it is on the webhook's cold start.
import type { IncomingMessage } from "node:http";
import { urlToHttpOptions } from "node:url";
import { createKeptAgent } from "../network/kept-agent.ts";

export type HttpAnswer = {
  readonly status: number;
  readonly body: string;
  /** The server's time, where it says so. */
  readonly date?: string;
};
export type HttpPost = {
  /** Throws when no whole answer came within `timeoutMs`. */
  post(headers: Readonly<Record<string, string>>, body: string, timeoutMs: number): Promise<HttpAnswer>;
  close(): void;
};

export function createHttpPost(url: URL): HttpPost {
  const { request, agent, refresh } = createKeptAgent(url.protocol);
  const target = { ...urlToHttpOptions(url), method: "POST", agent };
  return {
    post: (headers, body, timeoutMs) =>
      new Promise((resolve, reject) => {
        refresh();
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
            const { statusCode: status = 0, headers } = answer;
            resolve({ status, body: text, ...(headers.date === undefined ? {} : { date: headers.date }) });
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

function read(answer: IncomingMessage, fail: (error: unknown) => void, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  answer.on("error", fail);
  answer.on("end", () => done(Buffer.concat(chunks).toString("utf8")));
}
