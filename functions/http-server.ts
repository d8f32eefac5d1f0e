// The listening socket of one process, and an end to it that no client can put off.
import type { IncomingMessage, Server as NodeServer, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Log } from "../shared/ports/log.ts";
import type { ConnectionLimits } from "./connections.ts";
import { limitConnections } from "./connections.ts";

export type HttpServer = {
  /** Answers its URL. `port` 0: any free one. */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** Takes no new connection, answers what is under way and ends each connection with its answer. */
  close(): Promise<void>;
  /** Aborted by `close`: what is held can be answered. */
  readonly closing: AbortSignal;
};

type Env = { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
type Fetch = (request: Request, env: Env) => Response | Promise<Response>;

export type HttpServerOptions = {
  readonly limits: ConnectionLimits;
  readonly log: Log;
  /** What has no answer by then after `close` gets none. */
  readonly patienceMs?: number;
  /** An answer of which nothing was taken for so long is given up. */
  readonly stalledMs?: number;
};

/** Node's 5 s would close sockets that load balancers still use. */
const KEEP_ALIVE_MS = 65_000;

/**
 * Above the longest hold of a worker's poll (20 s; clients are answered when it closes), below the 30 s that Kubernetes
 * leaves between TERM and KILL.
 */
const PATIENCE_MS = 25_000;

/** Between looks for connections that have become idle: an answer that had begun before may promise to keep its own. */
const IDLE_LOOK_MS = 100;

/** For the headers of a request, counted from the connection for the first; any client sends them at once. */
const HEADERS_MS = 15_000;
/** For all of a request: 20 MB at 70 kB/s. */
const REQUEST_MS = 300_000;
const CHECK_MS = 5_000;

export function createHttpServer(
  fetch: Fetch,
  { patienceMs = PATIENCE_MS, ...options }: HttpServerOptions,
): HttpServer {
  const http = createAdaptorServer({
    fetch: (request, env) => fetch(request, env as Env),
    serverOptions: {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
    },
  }) as NodeServer;
  http.keepAliveTimeout = KEEP_ALIVE_MS;
  const underWay = new Set<ServerResponse>();
  const sockets = limitConnections(http, options);
  const closing = new AbortController();
  // Before the application's own listener, which may answer in the same turn.
  http.prependListener("request", (_request, response: ServerResponse) => {
    if (closing.signal.aborted) response.setHeader("connection", "close");
    underWay.add(response);
    response.once("close", () => underWay.delete(response));
  });
  return {
    closing: closing.signal,
    listen: (at) => listen(http, at),
    close() {
      for (const response of underWay) {
        if (!response.headersSent) response.setHeader("connection", "close");
      }
      closing.abort();
      // Opened in advance, as browsers and load balancers do; to Node they are not idle.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      return close(http, patienceMs);
    },
  };
}

function listen(http: NodeServer, { host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      http.off("error", reject);
      const address = http.address() as AddressInfo;
      const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
      resolve(`http://${name}:${address.port}`);
    });
  });
}

function close(http: NodeServer, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const look = setInterval(() => http.closeIdleConnections(), IDLE_LOOK_MS);
    const end = setTimeout(() => http.closeAllConnections(), patienceMs);
    http.close(() => {
      clearInterval(look);
      clearTimeout(end);
      resolve();
    });
    http.closeIdleConnections();
  });
}
