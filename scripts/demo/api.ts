// `npm run demo -- --api`: the dispatcher without a GitHub App, and a program in RunPod's protocol that it starts by a call.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newKey } from "../../functions/http/client/auth.ts";
import { withCommandsFrom } from "../../functions/serve/local-commands.ts";
import { startServer } from "../../functions/server.ts";
import { workerCommand } from "../../functions/worker-command.ts";
import { createJsonLog } from "../../shared/adapters/log/json-log.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { systemRandom } from "../../shared/adapters/system/random.ts";
import { jobId, poolName } from "../../shared/domain/ids.ts";
import type { Stores } from "../../shared/ports/store.ts";
import { redact } from "../../shared/redacted.ts";
import { apiConfig, SAMPLE_DIR } from "./config.ts";
import { liveWorkers, sample, see } from "./observe.ts";
import type { DemoResult } from "./run.ts";
import { openSqlite } from "./stores.ts";

const POOL = poolName("local");
const ENDPOINT = "hello";
const SECRET_LENGTH = 48;
const LIMIT_MS = 60_000;
const POLL_MS = 25;

export type ApiDemoOptions = {
  readonly count: number;
  readonly print: (line: string) => void;
  readonly log: (line: string) => void;
};

export async function runApiDemo({ count, print, log }: ApiDemoOptions): Promise<DemoResult> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-demo-"));
  const key = newKey(systemRandom);
  const server = await startServer({
    config: withCommandsFrom(SAMPLE_DIR, apiConfig(key)),
    secrets: {
      app: undefined,
      githubApiUrl: "https://api.github.com",
      dispatchSecret: redact(systemRandom.token(SECRET_LENGTH)),
      dispatchSecretPrevious: undefined,
    },
    host: "127.0.0.1",
    port: 0,
    poolsDir: join(dir, "pools"),
    openStores: async (onChange) => openSqlite(dir, onChange),
    workerCommand: workerCommand(),
    baseEnv: process.env,
    workerEnv: {},
    log: createJsonLog({ write: log, clock: systemClock }),
  });
  try {
    print(
      `a dispatcher without a GitHub App at ${server.url}; its endpoint "${ENDPOINT}" runs docs/programs/handler.mjs`,
    );
    const call = callAt({ url: `${server.url}/v2/${ENDPOINT}`, key, print });
    const ids: string[] = [];
    for (let index = 0; index < count; index++) {
      ids.push(idIn(await call("POST", "/run", { input: { name: `job ${index + 1}` } })));
    }
    for (const id of ids) await ended(call, id);
    print("the program ends when it has had nothing to do for its idle limit");
    return await resultOf(server.deps.stores, ids);
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
}

type Call = (method: "GET" | "POST", path: string, body?: object) => Promise<unknown>;

/** Prints each call as one would type it, with its answer. */
function callAt(server: {
  readonly url: string;
  readonly key: string;
  readonly print: (line: string) => void;
}): Call {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  return async (method, path, body) => {
    const text = body === undefined ? null : JSON.stringify(body);
    const response = await fetch(`${server.url}${path}`, { method, headers, body: text });
    const answer: unknown = await response.json();
    const data = text === null ? "" : ` -d '${text}'`;
    server.print(`  curl "$URL${path}" -H "$AUTH"${data}\n    ${JSON.stringify(answer)}`);
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
    return answer;
  };
}

function idIn(answer: unknown): string {
  return (answer as { readonly id: string }).id;
}

async function ended(call: Call, id: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const { status } = (await call("GET", `/status-sync/${id}?wait=10000`)) as { readonly status: string };
    if (status !== "IN_QUEUE" && status !== "IN_PROGRESS") return;
  }
}

async function resultOf(stores: Stores, ids: readonly string[]): Promise<DemoResult> {
  const deadline = Date.now() + LIMIT_MS;
  let workers = await liveWorkers(stores, POOL);
  while (workers > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    workers = await liveWorkers(stores, POOL);
  }
  const seen = await Promise.all(ids.map((id) => see(stores, jobId(id))));
  const jobs = ids.map((id, index) => ({
    id,
    state: seen[index]?.job.state ?? "unknown",
    phasesMs: seen[index]?.phasesMs ?? {},
  }));
  const { cardsHeld, total } = await sample(stores, POOL);
  const ok = workers === 0 && cardsHeld === 0 && jobs.every(({ state }) => state === "COMPLETED");
  return { ok, jobs, left: { workers, runners: 0, cards: cardsHeld }, cards: { mostHeld: 0, total } };
}
