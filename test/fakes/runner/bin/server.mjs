// HTTP to the GitHub stand-in's private plane, on node:http alone because the runner must start fast.
import { Agent, request } from "node:http";

const RETRY_MS = 200;
const agent = new Agent({ keepAlive: true });

/** @returns {Promise<{status: number, body: any}>} @throws when there is no answer */
export function call(baseUrl, method, path, { credential, body, signal } = {}) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  if (credential !== undefined) headers.authorization = `Bearer ${credential}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, baseUrl), { method, headers, agent, signal }, (incoming) => {
      const chunks = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () =>
        resolve(answerOf(incoming.statusCode, Buffer.concat(chunks).toString("utf8"))),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

/** Tries again while the server cannot be reached, for at most `forMs`. */
export async function callPatiently(baseUrl, method, path, options, forMs = 60_000) {
  const giveUpAt = performance.now() + forMs;
  for (;;) {
    try {
      return await call(baseUrl, method, path, options);
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await wait(RETRY_MS);
    }
  }
}

export function wait(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function answerOf(status, text) {
  try {
    return { status, body: text === "" ? {} : JSON.parse(text) };
  } catch (error) {
    throw new Error(`The server answered ${status} with text that is not JSON.`, { cause: error });
  }
}
