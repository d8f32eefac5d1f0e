// API Gateway (HTTP API) on this machine: real HTTP to events of payload 2.0, and the functions' answers back.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Route } from "./deployment.ts";
import { httpEvent } from "./events.ts";
import type { Invocation } from "./lambda.ts";

export type HttpFront = { readonly url: string; stop(): Promise<void> };

export type HttpFrontOptions = {
  readonly routes: readonly Route[];
  readonly invoke: (name: string, event: unknown) => Promise<Invocation>;
  /** In [0, 1): decides which bodies come as base64. */
  readonly chance: () => number;
  /** Share of bodies that come as base64; real ones do so by their content type. */
  readonly base64Share: number;
};

type Answer = {
  readonly statusCode?: number;
  readonly headers?: { readonly [name: string]: string };
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
};

/** Headers of the connection, not of the message: the gateway's own. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"]);

export async function startHttpFront(options: HttpFrontOptions): Promise<HttpFront> {
  const server = createServer((request, response) => {
    serve(options, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  // The gateway keeps idle connections for minutes.
  server.keepAliveTimeout = 65_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function serve(
  options: HttpFrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const body = await bodyOf(request);
  const route = options.routes.find((one) => fits(one, method, url.split("?")[0] ?? ""));
  if (route === undefined) return end(response, 404, { message: "Not Found" });
  const base64 = options.chance() < options.base64Share;
  const routeKey = `${route.method === "*" ? "ANY" : route.method} ${route.path}`;
  const event = httpEvent({ method, url, headers: headersOf(request), body, base64, routeKey });
  const outcome = await options.invoke(route.function, event);
  if (outcome.type === "answered") return write(response, outcome.result as Answer);
  const overloaded = outcome.type === "throttled" || outcome.type === "timed-out";
  end(response, overloaded ? 503 : 500, {
    message: overloaded ? "Service Unavailable" : "Internal Server Error",
  });
}

function fits(route: Route, method: string, path: string): boolean {
  if (route.method !== "*" && route.method !== method) return false;
  const [prefix = ""] = route.path.split("{proxy+}");
  return route.path.endsWith("{proxy+}")
    ? path.startsWith(prefix) && path.length > prefix.length
    : path === route.path;
}

function write(response: ServerResponse, answer: Answer): void {
  const { statusCode = 200, headers = {}, cookies = [], body = "", isBase64Encoded = false } = answer;
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()));
  for (const [name, value] of kept) response.setHeader(name, value);
  if (cookies.length > 0) response.setHeader("set-cookie", [...cookies]);
  response.writeHead(statusCode);
  response.end(isBase64Encoded ? Buffer.from(body, "base64") : body);
}

function end(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function headersOf({ headers }: IncomingMessage): { [name: string]: string } {
  const single = Object.entries(headers).filter(
    ([name]) => !HOP_BY_HOP.has(name) || name === "content-length",
  );
  return Object.fromEntries(single.map(([name, value]) => [name, [value ?? ""].flat().join(",")]));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
