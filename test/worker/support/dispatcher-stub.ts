// A small dispatcher on loopback: gives one job, one registration, and keeps what a worker tells it.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { DispatchSettings, JobDone } from "../../../shared/protocol/worker-plane.ts";

type Answer = { readonly status: number; readonly body?: unknown };

export type DispatcherStub = {
  readonly url: string;
  readonly pings: { phase: string; jobName: string | null; jobId: string | null }[];
  /** What hooks said, one for each ping that told it. */
  readonly started: unknown[];
  readonly dones: JobDone[];
  readonly registrations: string[];
  readonly authorizations: Set<string | undefined>;
  takes: number;
  /** What the next ping is answered. */
  drain: string | undefined;
  /** Sockets are cut without an answer. */
  silent: boolean;
  take: (count: number) => Answer;
  register: (kind: string | null, count: number) => Answer;
  [Symbol.asyncDispose](): Promise<void>;
};

export const TOKEN = "worker.token.of-worker-1";
export const REGISTRATION_TOKEN = "AREGISTRATIONTOKENOFTHETEST01";
export const JIT_CONFIG = "eyJqaXQiOiJvZi10aGUtdGVzdCJ9";

export const SETTINGS: DispatchSettings = {
  url: "https://github.com/acme",
  runnerName: "npd-worker-1",
  labels: ["linux-aarch64-a2-1", "npd-job-7"],
  runnerGroup: "npu",
  defaultLabels: false,
  cards: 0,
  registration: "token",
};

export async function startDispatcher(settings: Partial<DispatchSettings> = {}): Promise<DispatcherStub> {
  const job = { id: "gh-7", input: { model: "qwen" }, dispatch: { ...SETTINGS, ...settings } };
  const server = createServer((request, response) => {
    answer(stub, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stub: DispatcherStub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pings: [],
    started: [],
    dones: [],
    registrations: [],
    authorizations: new Set(),
    takes: 0,
    drain: undefined,
    silent: false,
    take: () => ({ status: 200, body: job }),
    register: (kind) => ({
      status: 200,
      body:
        kind === "jit"
          ? { type: "jit", encodedJitConfig: JIT_CONFIG }
          : { type: "token", token: REGISTRATION_TOKEN },
    }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return stub;
}

async function answer(stub: DispatcherStub, request: IncomingMessage, response: ServerResponse) {
  if (stub.silent) {
    request.socket.destroy();
    return;
  }
  stub.authorizations.add(request.headers.authorization);
  const url = new URL(request.url ?? "", stub.url);
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { status, body } = handle(stub, url, Buffer.concat(chunks).toString());
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function handle(stub: DispatcherStub, url: URL, text: string): Answer {
  const query = url.searchParams;
  switch (url.pathname) {
    case "/v2/npu/job-take/worker-1":
      stub.takes += 1;
      return stub.take(stub.takes);
    case "/v2/npu/registration/worker-1":
      stub.registrations.push(query.get("registration") ?? "");
      return stub.register(query.get("registration"), stub.registrations.length);
    case "/v2/npu/ping/worker-1":
      stub.pings.push({
        phase: query.get("phase") ?? "",
        jobName: query.get("job_name"),
        jobId: query.get("job_id"),
      });
      if (query.has("started")) stub.started.push(JSON.parse(query.get("started") ?? ""));
      return { status: 200, body: stub.drain === undefined ? {} : { drain: stub.drain } };
    case "/v2/npu/job-done/worker-1/gh-7":
      stub.dones.push(JSON.parse(text) as JobDone);
      return { status: 200, body: {} };
    default:
      return { status: 404, body: { message: `no such path ${url.pathname}` } };
  }
}
