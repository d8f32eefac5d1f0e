// One HTTP request with a time-out, a bounded answer and the proxy of the environment.
// By node:http and not undici: `request` and `EnvHttpProxyAgent` of undici 8.12 bundle to 481 kB (715 kB from its main
// entry) and start 14 MB heavier; a worker makes one small request every 10 s and needs no connection pool.
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Environment } from "../config.ts";
import { proxyFor } from "./proxy.ts";

type HttpRequest = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

export type HttpAnswer = {
  readonly status: number;
  readonly body: string;
  /** From `Retry-After` in seconds; its date form is ignored. */
  readonly retryAfterMs: number | undefined;
};

/** Throws when there is no whole answer: refused, reset, too slow, too long, aborted. */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;

/** RunPod's own limit of a job's payload is 20 MB. */
const LONGEST_ANSWER = 20 * 1024 * 1024;

export function createHttpSender(env: Environment): SendHttp {
  return async (request) => {
    const timeout = AbortSignal.timeout(request.timeoutMs);
    const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
    const url = new URL(request.url);
    try {
      const proxy = proxyFor(url, env);
      const sent = proxy
        ? await sendByProxy(url, proxy, request, signal)
        : send(url, optionsFor(request, signal));
      return await finish(sent, request.body, signal);
    } catch (error) {
      const reason = timeout.aborted ? `no answer within ${request.timeoutMs / 1000} s` : "no answer";
      throw new Error(`${request.method} ${url.origin}${url.pathname}: ${reason}.`, { cause: error });
    }
  };
}

function optionsFor({ method, headers, body }: HttpRequest, signal: AbortSignal): RequestOptions {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  // A connection for each request: an idle one may be closed by the other end just when the report is sent on it.
  return { method, signal, agent: false, headers: { ...headers, ...length, connection: "close" } };
}

function send(url: URL, options: RequestOptions): ClientRequest {
  return url.protocol === "https:" ? requestHttps(url, options) : requestHttp(url, options);
}

async function sendByProxy(
  url: URL,
  proxy: URL,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<ClientRequest> {
  const options = optionsFor(request, signal);
  const identity = proxyIdentity(proxy);
  if (url.protocol === "http:") {
    return send(proxy, {
      ...options,
      path: url.href,
      headers: { ...request.headers, ...identity, host: url.host, connection: "close" },
    });
  }
  const socket = await openTunnel(url, proxy, identity, signal);
  const createConnection = () => connectTls({ socket, servername: url.hostname });
  // With `agent: false` Node would make an agent, which ignores createConnection.
  return requestHttps(url, { ...options, agent: undefined, createConnection });
}

function openTunnel(
  url: URL,
  proxy: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = withResolvers<Socket>();
  const authority = `${url.hostname}:${url.port || 443}`;
  const tunnel = send(proxy, {
    method: "CONNECT",
    path: authority,
    headers: { ...headers, host: authority },
    agent: false,
    signal,
  });
  tunnel.once("connect", (answer: IncomingMessage, socket: Socket) => {
    if (answer.statusCode === 200) return resolve(socket);
    socket.destroy();
    reject(new Error(`The proxy ${proxy.host} answered ${answer.statusCode} to CONNECT ${authority}.`));
  });
  tunnel.once("response", (answer) => {
    answer.destroy();
    reject(new Error(`The proxy ${proxy.host} answered ${answer.statusCode} to CONNECT ${authority}.`));
  });
  tunnel.once("error", reject);
  tunnel.end();
  return promise;
}

function proxyIdentity(proxy: URL): Record<string, string> {
  if (!proxy.username) return {};
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
}

async function finish(
  sent: ClientRequest,
  body: string | undefined,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = withResolvers<IncomingMessage>();
  sent.once("response", resolve);
  sent.once("error", reject);
  sent.end(body);
  const answer = await promise;
  return {
    status: answer.statusCode ?? 0,
    body: await readBody(answer, signal),
    retryAfterMs: readRetryAfter(answer),
  };
}

async function readBody(answer: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error("The answer is longer than 20 MB.");
    chunks.push(chunk);
  }
  signal.throwIfAborted();
  return Buffer.concat(chunks).toString("utf8");
}

function readRetryAfter(answer: IncomingMessage): number | undefined {
  const seconds = answer.headers["retry-after"];
  return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

// Promise.withResolvers is not in Node 20, the bundle's target.
function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onFault) => {
    resolve = onValue;
    reject = onFault;
  });
  return { promise, resolve, reject };
}
