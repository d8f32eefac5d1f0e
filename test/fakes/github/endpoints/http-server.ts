// A small HTTP server over a table of routes: path templates, JSON in and out, answers that may never come.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Request = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly params: Readonly<Record<string, string>>;
  /** Parsed JSON, or an empty object. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Called when the caller hangs up before it was answered. */
  onHangUp(listener: () => void): void;
};

/** `drop` closes the connection without an answer. */
export type Reply =
  | "drop"
  | { readonly status: number; readonly text?: string; readonly headers?: Readonly<Record<string, string>> };

export type Route = {
  readonly method: string;
  /** `/orgs/{org}/actions/runners` */
  readonly path: string;
  readonly handle: (request: Request) => Reply | Promise<Reply>;
};

export type HttpServer = { readonly port: number; stop(): Promise<void> };

type Matcher = { readonly route: Route; readonly pattern: RegExp };

/** `fallback` answers what no route matches; `now`: the clock of the `Date` in each answer, as GitHub sends it. */
export async function startHttpServer(
  routes: readonly Route[],
  fallback: (request: Request) => Reply | Promise<Reply>,
  port = 0,
  now: () => number = Date.now,
): Promise<HttpServer> {
  const matchers = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  const server = createServer((incoming, outgoing) => {
    outgoing.setHeader("date", new Date(now()).toUTCString());
    serveOne(incoming, outgoing, (request) => dispatch(matchers, request, fallback)).catch(
      (error: unknown) => {
        if (!outgoing.headersSent) outgoing.writeHead(500, { "content-type": "application/json" });
        outgoing.end(JSON.stringify({ message: `The stand-in failed: ${String(error)}` }));
      },
    );
  });
  // Clients that keep connections must not race the server's closing of an idle one in the middle of a test.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: () => close(server) };
}

async function serveOne(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: Request) => Reply | Promise<Reply>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const reply = await answer({
    method: incoming.method ?? "GET",
    url: new URL(incoming.url ?? "/", "http://127.0.0.1"),
    headers: incoming.headers,
    params: {},
    body: parseBody(Buffer.concat(chunks).toString("utf8")),
    onHangUp: (listener) =>
      void outgoing.once("close", () => {
        if (!outgoing.writableFinished) listener();
      }),
  });
  if (reply === "drop") return void incoming.socket.destroy();
  outgoing.writeHead(reply.status, reply.headers);
  outgoing.end(reply.text);
}

function dispatch(
  matchers: readonly Matcher[],
  request: Request,
  fallback: (request: Request) => Reply | Promise<Reply>,
): Reply | Promise<Reply> {
  for (const { route, pattern } of matchers) {
    if (route.method !== request.method) continue;
    const groups = pattern.exec(request.url.pathname)?.groups;
    if (groups !== undefined) return route.handle({ ...request, params: decoded(groups) });
  }
  return fallback(request);
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}(?<rest_>)/?$`);
}

function decoded(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([key, value]) => [key, decodeURIComponent(value)]));
}

function parseBody(text: string): Record<string, unknown> {
  if (text === "") return {};
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}
