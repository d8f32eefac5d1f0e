// A worker that is given what RunPod gave the seed's: no settings of a dispatcher, a personal access token, GitHub's two
// endpoints.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { JobDone } from "../../shared/protocol/worker-plane.ts";
import { startDispatcher } from "../worker/support/dispatcher-stub.ts";
import { eventually } from "../worker/support/eventually.ts";
import { startWorker } from "../worker/support/start-worker.ts";

export const PAT = "ghp_personal_access_token_of_parity";

export type SeedOptions = {
  readonly input?: unknown;
  readonly env?: { readonly [name: string]: string };
  /** What GitHub answers. */
  readonly status?: number;
  readonly run?: string;
  /** Ended as a workflow's terminate step does once it listens. */
  readonly drain?: boolean;
};

export type SeedRun = {
  readonly code: number | null;
  readonly calls: readonly string[];
  readonly done: JobDone | undefined;
  readonly output: string;
  /** Arguments of config.sh. */
  readonly config: readonly string[];
  readonly removal: string | undefined;
  /** The environment of the runner, and so of each step. */
  readonly steps: string;
  readonly url: string;
  readonly phases: readonly string[];
};

export async function runSeed(options: SeedOptions = {}): Promise<SeedRun> {
  await using dispatcher = await startDispatcher();
  await using github = await startGitHub(options.status ?? 201);
  dispatcher.take = () => ({ status: 200, body: { id: "gh-7", input: options.input ?? {} } });
  await using worker = startWorker(dispatcher, {
    ...(options.run === undefined ? {} : { run: options.run }),
    env: { GITHUB_API_URL: github.url, ...addresses(dispatcher.url), ...options.env },
  });
  if (options.drain) {
    await eventually("listening", () => dispatcher.pings.some(({ phase }) => phase === "listening"), 20_000);
    dispatcher.drain = "cancelled";
  }
  const { code } = await worker.exit;
  return {
    code,
    calls: github.calls,
    done: dispatcher.dones[0],
    output: worker.output(),
    config: worker.file("config-args-add")?.trim().split("\n") ?? [],
    removal: worker.file("config-args-remove"),
    steps: worker.file("run-env") ?? "",
    url: github.url.replace("/api/v3", ""),
    phases: [...new Set(dispatcher.pings.map(({ phase }) => phase))],
  };
}

/** With the pod's id written in, as the platform does it: a worker without a name is heard, too. */
function addresses(url: string): Record<string, string> {
  return {
    RUNPOD_WEBHOOK_GET_JOB: `${url}/v2/npu/job-take/worker-1?gpu=NPU`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${url}/v2/npu/job-done/worker-1/$ID?gpu=NPU`,
    RUNPOD_WEBHOOK_PING: `${url}/v2/npu/ping/worker-1?gpu=NPU`,
  };
}

async function startGitHub(status: number) {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const name = request.url?.endsWith("remove-token") ? "REMOVE" : "REGISTRATION";
    const body =
      status === 201 ? { token: `A${name}TOKENOFPARITY`, expires_at: "" } : { message: "Bad credentials" };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
