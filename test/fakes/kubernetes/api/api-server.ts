// The stand-in's HTTP side: JSON in and out, bearer tokens, and the faults of a server and of the network before it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterState } from "../cluster-state.ts";
import type { Json } from "../objects.ts";
import { type Answer, answerRequest, type RequestDeps } from "./requests.ts";
import { targetOf } from "./resources.ts";
import { StatusError, unauthorized } from "./status.ts";

type Faults = {
  /** Answers late, ms. */
  slowMs: number;
  /** Takes connections and requests, and never answers. */
  halfOpen: boolean;
  /** The next so many requests that fit are carried out, and their answers lost with the connection. */
  loseAnswers: { times: number; readonly of: RegExp };
  /** The next so many requests, of those that fit, are refused. */
  refuse: { times: number; readonly with: () => StatusError; readonly of?: RegExp };
};

export type ApiServer = {
  readonly url: string;
  readonly faults: Faults;
  /** `GET /api/v1/pods?limit=500` of every request. */
  readonly requests: readonly string[];
  /** Connections that were opened so far. */
  connections(): number;
  /** Refuses connections until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
};

export async function startApiServer(deps: RequestDeps): Promise<ApiServer> {
  const faults = createFaults();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    serve(request, response, { ...deps, faults }).catch((error: unknown) => response.destroy(error as Error));
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    faults,
    requests,
    connections: () => connections,
    down: () => stop(server),
    up: () => listen(server, port),
    close: () => (server.listening ? stop(server) : Promise.resolve()),
  };
}

function createFaults(): Faults {
  return {
    slowMs: 0,
    halfOpen: false,
    loseAnswers: { times: 0, of: /./ },
    refuse: { times: 0, with: () => new StatusError(500, "InternalError", "Internal error occurred: fault") },
  };
}

type ServeDeps = RequestDeps & { readonly faults: Faults };

async function serve(request: IncomingMessage, response: ServerResponse, deps: ServeDeps): Promise<void> {
  const { faults } = deps;
  const text = await bodyOf(request);
  if (faults.halfOpen) return;
  if (faults.slowMs > 0) await sleep(faults.slowMs);
  const answer = attempt(request, text, deps);
  const line = `${request.method} ${request.url}`;
  if (faults.loseAnswers.times > 0 && faults.loseAnswers.of.test(line)) {
    faults.loseAnswers.times -= 1;
    request.socket.destroy();
    return;
  }
  if (answer.body === undefined) {
    response.writeHead(answer.code, answer.headers).end();
    return;
  }
  const plain = typeof answer.body === "string";
  response.writeHead(answer.code, {
    "content-type": plain ? "text/plain" : "application/json",
    ...answer.headers,
  });
  response.end(plain ? answer.body : JSON.stringify(answer.body));
}

type HttpAnswer = Answer & { readonly headers?: { readonly [name: string]: string } };

function attempt(request: IncomingMessage, text: string, deps: ServeDeps): HttpAnswer {
  try {
    const { refuse } = deps.faults;
    if (refuse.times > 0 && (refuse.of ?? /./).test(`${request.method} ${request.url}`)) {
      refuse.times -= 1;
      throw refuse.with();
    }
    authenticate(request, deps.state);
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
    const target = targetOf(pathname);
    if (target === undefined) {
      throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    }
    const { method = "GET" } = request;
    return answerRequest({ method, target, query, body: parse(text) }, deps);
  } catch (error) {
    if (error instanceof StatusError) return { code: error.code, body: error.body, headers: error.headers };
    throw error;
  }
}

function authenticate(request: IncomingMessage, { rules }: ClusterState): void {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (rules.tokens.size > 0 && !rules.tokens.has(token)) throw unauthorized();
}

function parse(text: string): Json {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StatusError(400, "BadRequest", `the object provided is unrecognized: ${String(error)}`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
