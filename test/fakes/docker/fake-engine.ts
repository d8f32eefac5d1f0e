// A stand-in for a Docker engine over real HTTP, for what a real one does not do on demand: slow pulls, refusals, silence.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type FakeRequest = {
  readonly method: string;
  /** Without the version. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
};
type FakeAnswer = { readonly status: number; readonly body?: unknown };
/** Undefined: as the stand-in itself would answer. `hang`: never. `cut`: the connection is closed. */
type Fault = (
  request: FakeRequest,
  response: ServerResponse,
) => FakeAnswer | "hang" | "cut" | "mine" | undefined;

type FakeContainer = {
  readonly name: string;
  readonly body: { readonly Image: string; readonly Labels: { readonly [name: string]: string } } & Record<
    string,
    unknown
  >;
  status: "created" | "running" | "paused" | "exited" | "removing";
  exitCode: number;
  outOfMemory: boolean;
  finishedAt?: string;
  /** The engine's words when it could not start it. */
  error?: string;
  /** Signals that it got. */
  readonly signals: string[];
};

export type FakeEngine = {
  readonly host: string;
  readonly requests: FakeRequest[];
  /** As they came, with the version. */
  readonly urls: string[];
  readonly containers: Map<string, FakeContainer>;
  readonly images: Set<string>;
  /** What GET /_ping and GET /version say. */
  versions: { newest: string; oldest: string };
  info: Record<string, unknown>;
  fault: Fault;
  /** Who listens to its events now. */
  readonly listeners: Set<ServerResponse>;
  /** To all of them; of a container that it has, with its labels. */
  tell(action: string, container: string): void;
  /** Requests by method and the first parts of their paths, such as `POST /containers/create`. */
  count(methodAndPath: string): number;
  close(): Promise<void>;
};

export async function startFakeEngine(): Promise<FakeEngine> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const engine: FakeEngine = {
    host: `tcp://127.0.0.1:${port}`,
    requests: [],
    urls: [],
    containers: new Map(),
    images: new Set(["worker:1"]),
    versions: { newest: "1.41", oldest: "1.24" },
    info: { NCPU: 4 },
    fault: () => undefined,
    listeners: new Set(),
    tell(action, name) {
      const labels = engine.containers.get(name)?.body.Labels;
      const told = {
        Type: "container",
        Action: action,
        Actor: { ID: name, Attributes: { name, ...labels } },
      };
      for (const listener of engine.listeners) listener.write(`${JSON.stringify(told)}\n`);
    },
    count: (wanted) =>
      engine.requests.filter(({ method, path }) => `${method} ${path}`.startsWith(wanted)).length,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return engine;

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    engine.requests.push(request);
    engine.urls.push(incoming.url ?? "");
    const answer = engine.fault(request, response) ?? listen(request, response) ?? answerOf(request, engine);
    if (answer === "hang" || answer === "mine") return;
    if (answer === "cut") {
      incoming.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      "content-type": "application/json",
      "api-version": engine.versions.newest,
    });
    response.end(
      typeof answer.body === "string" || answer.body === undefined
        ? answer.body
        : JSON.stringify(answer.body),
    );
  }

  /** Its head at once, and then nothing until something happens. */
  function listen({ path }: FakeRequest, response: ServerResponse): "mine" | undefined {
    if (path !== "/events") return undefined;
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    engine.listeners.add(response);
    response.on("close", () => engine.listeners.delete(response));
    return "mine";
  }
}

async function read(incoming: IncomingMessage): Promise<FakeRequest> {
  const chunks = await incoming.toArray();
  const text = Buffer.concat(chunks).toString("utf8");
  const url = new URL(incoming.url ?? "/", "http://docker");
  return {
    method: incoming.method ?? "",
    path: url.pathname.replace(/^\/v\d+\.\d+/, ""),
    query: url.searchParams,
    headers: incoming.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function answerOf(request: FakeRequest, engine: FakeEngine): FakeAnswer {
  const { method, path } = request;
  if (path === "/_ping") return { status: 200, body: "OK" };
  if (path === "/version")
    return {
      status: 200,
      body: { ApiVersion: engine.versions.newest, MinAPIVersion: engine.versions.oldest },
    };
  if (path === "/info") return { status: 200, body: engine.info };
  if (path === "/containers/create") return create(request, engine);
  if (path === "/containers/json") return { status: 200, body: listed(engine) };
  if (path === "/images/create") {
    engine.images.add(request.query.get("fromImage") ?? "");
    return { status: 200, body: '{"status":"Pull complete","id":"a"}\n' };
  }
  const [, image] = /^\/images\/(.+)\/json$/.exec(path) ?? [];
  if (image !== undefined) return { status: engine.images.has(image) ? 200 : 404, body: {} };
  const [, , name = "", verb = ""] = path.split("/");
  const container = engine.containers.get(name);
  if (container === undefined) return { status: 404, body: { message: `No such container: ${name}` } };
  return act(`${method} ${verb}`, container, request, engine);
}

function create({ query, body }: FakeRequest, engine: FakeEngine): FakeAnswer {
  const name = query.get("name") ?? "";
  const given = body as FakeContainer["body"];
  if (!engine.images.has(given.Image))
    return { status: 404, body: { message: `No such image: ${given.Image}` } };
  if (engine.containers.has(name)) {
    return { status: 409, body: { message: `Conflict. The container name "/${name}" is already in use` } };
  }
  engine.containers.set(name, {
    name,
    body: given,
    status: "created",
    exitCode: 0,
    outOfMemory: false,
    signals: [],
  });
  return { status: 201, body: { Id: name, Warnings: [] } };
}

function listed(engine: FakeEngine) {
  return [...engine.containers.values()].map(({ body, status }) => ({ State: status, Labels: body.Labels }));
}

function mountsOf({ name, body }: FakeContainer) {
  const { Mounts = [] } = body["HostConfig"] as {
    readonly Mounts?: readonly { readonly Type: string; readonly Source: string; readonly Target: string }[];
  };
  return [
    ...Mounts.map(({ Type, Source, Target }) => ({ Type, Source, Destination: Target })),
    ...Object.keys(body["Volumes"] ?? {}).map((Destination, index) => {
      return { Type: "volume", Name: `${name}-${index}`, Source: "/volumes", Destination };
    }),
  ];
}

function act(what: string, container: FakeContainer, { query }: FakeRequest, engine: FakeEngine): FakeAnswer {
  switch (what) {
    case "GET json":
      return {
        status: 200,
        body: {
          State: {
            Status: container.status,
            ExitCode: container.exitCode,
            OOMKilled: container.outOfMemory,
            Error: container.error ?? "",
            FinishedAt: container.finishedAt ?? "0001-01-01T00:00:00Z",
          },
          Config: { Labels: container.body.Labels },
          Mounts: mountsOf(container),
        },
      };
    case "POST start":
      if (container.status === "running") return { status: 304 };
      container.status = "running";
      return { status: 204 };
    case "POST stop":
      container.signals.push("SIGTERM");
      container.status = "exited";
      return { status: 204 };
    case "POST kill":
      container.signals.push(query.get("signal") ?? "");
      return { status: 204 };
    case "DELETE ":
      engine.containers.delete(container.name);
      return { status: 204 };
    default:
      return { status: 404, body: { message: "no such file" } };
  }
}
