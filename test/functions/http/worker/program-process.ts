// A program started the way the local pool does: a process with the worker's environment, against a real server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { createAdaptorServer } from "@hono/node-server";
import { createWorkerEnv } from "../../../../functions/worker-env.ts";
import type { WorkerId } from "../../../../shared/domain/ids.ts";
import { apiTemplate } from "../../../fakes/api-world.ts";
import type { WorldOptions } from "../../../fakes/world.ts";
import type { HttpWorld } from "../http-world.ts";
import { createHttpWorld, tokensOf } from "../http-world.ts";

const PROGRAM = new URL("../../../fakes/python-sdk-worker.ts", import.meta.url).pathname;

export type ProgramHost = AsyncDisposable & {
  readonly world: HttpWorld;
  readonly url: string;
  /** Sockets that the server has open. */
  connections(): Promise<number>;
  /** Starts the program of a worker that the pool has started; its lines so far are in `lines`. */
  run(worker: WorkerId, env?: { readonly [name: string]: string }): Promise<RunningProgram>;
};

type RunningProgram = {
  readonly pid: number;
  readonly lines: readonly string[];
  /** Its exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
};

/** `keepAliveMs`: after this the server closes an idle socket; Node's default is 5 s. */
export async function hostPrograms(
  options: WorldOptions & { holdMs?: number; keepAliveMs?: number } = {},
): Promise<ProgramHost> {
  const { keepAliveMs = 100, ...rest } = options;
  const world = createHttpWorld({ cards: 1, templates: [apiTemplate("program")], holdMs: 500, ...rest });
  const server = createAdaptorServer({ fetch: world.workerPlane.fetch }) as Server;
  server.keepAliveTimeout = keepAliveMs;
  // Node waits for another second by default.
  server.keepAliveTimeoutBuffer = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const programs: RunningProgram[] = [];
  return {
    world,
    url,
    connections: promisify(server.getConnections.bind(server)),
    async run(id, env = {}) {
      const program = await start(world, url, id, env);
      programs.push(program);
      return program;
    },
    async [Symbol.asyncDispose]() {
      for (const program of programs) program.kill("SIGKILL");
      await Promise.all(programs.map((program) => program.exited));
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function start(
  world: HttpWorld,
  url: string,
  id: WorkerId,
  extra: { readonly [name: string]: string },
): Promise<RunningProgram> {
  const worker = await world.stores.workers.get(id);
  if (worker === undefined) throw new Error(`no worker ${id}`);
  const { pool, endpoint, tenant } = worker;
  const token = tokensOf({ worker: id, pool, endpoint, tenant }).right;
  const env = createWorkerEnv(url, { sign: () => token, verify: () => undefined })(worker);
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, ["--no-warnings", PROGRAM], {
    env: { PATH, ...env, RUNPOD_PING_INTERVAL: "100", ...extra },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trim().split("\n")));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return {
    pid: child.pid ?? -1,
    lines,
    exited,
    kill: (signal) => void child.kill(signal),
  };
}
