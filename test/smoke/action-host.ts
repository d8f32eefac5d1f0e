// What an action meets: a runner's environment, and a dispatcher and GitHub's token endpoint on one port.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const ACTIONS = resolve(import.meta.dirname, "../../.github/actions");
export const KEY = `npud_${"k".repeat(40)}`;
export const JOB = "6f1c2a1e-7a55-4a39-9f5a-3f0f8a1f9e51-e1";
export const LABEL = "npud-job-abcdefghijkl";

type Call = { readonly line: string; readonly headers: IncomingHttpHeaders; readonly body: string };
type Reply = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly afterMs?: number;
};
type Inputs = { readonly [name: string]: string };
type Ended = {
  readonly code: number | null;
  readonly printed: string;
  readonly outputs: { readonly [name: string]: string | undefined };
};

export type ActionHost = {
  readonly url: string;
  readonly calls: Call[];
  /** By path; the last reply to a path stays. */
  readonly replies: { [path: string]: Reply[] };
  start(
    action: "initialize" | "terminate",
    inputs?: Inputs,
    env?: Inputs,
  ): { readonly child: ChildProcess; ended(): Promise<Ended> };
  run(action: "initialize" | "terminate", inputs?: Inputs, env?: Inputs): Promise<Ended>;
  dispose(): Promise<void>;
};

export async function createActionHost(): Promise<ActionHost> {
  const calls: Call[] = [];
  const children = new Set<ChildProcess>();
  const replies: ActionHost["replies"] = {
    "/v2/npu/run": [{ status: 200, body: { id: JOB, status: "IN_QUEUE", label: LABEL } }],
    [`/v2/npu/status/${JOB}`]: [{ status: 200, body: { id: JOB, status: "IN_PROGRESS" } }],
    [`/v2/npu/cancel/${JOB}`]: [{ status: 200, body: { id: JOB, status: "CANCELLED" } }],
    "/token": [{ status: 200, body: { value: "oidc.token.of-this-job" } }],
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      calls.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      const queue = replies[request.url?.split("?")[0] ?? ""] ?? [{ status: 404, body: {} }];
      const reply = (queue.length > 1 ? queue.shift() : queue[0]) ?? { status: 500 };
      const send = () =>
        response.writeHead(reply.status, reply.headers).end(JSON.stringify(reply.body ?? {}));
      setTimeout(send, reply.afterMs ?? 0);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), "npu-dispatch-actions-"));
  const output = join(folder, "output");

  const start: ActionHost["start"] = (action, inputs = {}, env = {}) => {
    const given = { url, endpoint: "npu", "api-key": KEY, ...inputs };
    const variables = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const child = spawn(process.execPath, [join(ACTIONS, action, "main.mjs")], {
      env: {
        PATH: process.env["PATH"],
        ...Object.fromEntries(variables),
        GITHUB_OUTPUT: output,
        GITHUB_REPOSITORY: "acme/widgets",
        GITHUB_RUN_ID: "7001",
        GITHUB_RUN_ATTEMPT: "2",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        printed += chunk;
      });
    }
    const exit = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
    return { child, ended: async () => ({ code: await exit, printed, outputs: await readOutputs(output) }) };
  };

  return {
    url,
    calls,
    replies,
    start,
    run: (...step) => start(...step).ended(),
    async dispose() {
      for (const child of children) child.kill("SIGKILL");
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As a runner reads the file that GITHUB_OUTPUT names. */
async function readOutputs(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const entries = [...text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm)];
  return Object.fromEntries(entries.map(([, name, , value]) => [name, value]));
}

/** What the runner shows of what was printed: masked texts replaced. */
export function shown(printed: string): string {
  const masks = [...printed.matchAll(/^::add-mask::(.+)$/gm)].map(([, secret]) => secret ?? "");
  const log = printed.replaceAll(/^::add-mask::.*\n/gm, "");
  return masks.reduce((text, secret) => text.replaceAll(secret, "***"), log);
}
