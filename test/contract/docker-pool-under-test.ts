// Opens a Docker pool on a real engine for a test, and leaves no container.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { createDockerPool, type DockerPoolDeps } from "../../shared/adapters/pools/docker/docker-pool.ts";
import { createEngine, type Engine } from "../../shared/adapters/pools/docker/engine/engine.ts";
import type { DockerPoolSettings } from "../../shared/adapters/pools/docker/settings.ts";
import { poolName, type WorkerId } from "../../shared/domain/ids.ts";
import type { LogFields } from "../../shared/ports/log.ts";
import type { PoolDriver } from "../../shared/ports/pool-driver.ts";
import { type Part, POLL, type PoolUnderTest, stopped } from "./pool-driver-contract.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PROGRAMS = join(ROOT, "test", "fixtures", "local-pool");

/** Busybox under a few names, see .ci/engine.sh. */
export const TEST_IMAGE = "localhost/npu-dispatch-test:1";

export type FoundEngine = { readonly host: string } | { readonly missing: string };

/** DOCKER_HOST, or Podman where it is installed. Without one it throws in CI, and elsewhere says why. */
export async function findEngine(): Promise<FoundEngine> {
  try {
    const { stdout } = await promisify(execFile)(join(ROOT, ".ci", "engine.sh"), { timeout: 180_000 });
    return { host: stdout.trim() };
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    const missing = stderr.trim() || String(error);
    if (process.env["CI"] === "true") throw new Error(missing, { cause: error });
    return { missing };
  }
}

export type DockerPoolUnderTest = PoolUnderTest & {
  readonly engine: Engine;
  readonly deployment: string;
  /** `<level> <event> <reason or message>` of every log line. */
  readonly logged: readonly string[];
  open(settings?: Partial<DockerPoolSettings>, deps?: Partial<DockerPoolDeps>): PoolDriver;
};

export async function openDockerPool(
  host: string,
  changes: Partial<DockerPoolSettings> = {},
): Promise<DockerPoolUnderTest> {
  const logged: string[] = [];
  const deployment = randomBytes(3).toString("hex");
  const programs = await readPrograms();
  const open = (settings: Partial<DockerPoolSettings> = {}, deps: Partial<DockerPoolDeps> = {}) =>
    createDockerPool(
      { ...dockerSettings(host), ...changes, ...settings },
      {
        deployment,
        secrets: { env: {}, readFile: () => "" },
        clock: { now: Date.now },
        log: collect(logged),
        ...deps,
      },
    );
  const driver = open();
  const engine = createEngine({ url: host, tls: undefined });
  return {
    driver,
    engine,
    deployment,
    logged,
    secrets: Object.keys(process.env).filter((name) => /KEY|TOKEN|SECRET/.test(name)),
    open,
    reopen: () => open(),
    stranger: () => open({}, { deployment: "other1" }),
    command: (part) => ["/bin/sh", "-c", programs[part]],
    living: (workerId) => living(engine, workerId),
    environment: (workerId) => environment(engine, workerId),
    ready: async (workerId) => {
      await expect.poll(() => driver.logsTail(workerId, 10), POLL).toContain("ready");
    },
    async close() {
      const all = await driver.list();
      expect(await Promise.all(all.map((workerId) => stopped(driver, workerId, 0)))).toEqual(
        all.map(() => "gone"),
      );
    },
  };
}

function dockerSettings(url: string): DockerPoolSettings {
  return {
    name: poolName("docker"),
    host: { url, tls: undefined },
    kind: "npu",
    cards: 8,
    cardIds: undefined,
    devices: "simulated",
    runtime: "ascend",
    deviceFiles: [],
    mounts: [],
    image: TEST_IMAGE,
    pullPolicy: "missing",
    registries: [],
    // Nothing to set up: a third of the time of a bridge.
    network: "none",
    extraHosts: [],
    perCard: { cpus: undefined, memoryBytes: 64 * 1024 * 1024, shmBytes: undefined, pids: 64 },
    capabilities: ["KILL"],
    newPrivileges: false,
    ulimits: {},
    env: { POOL: "docker" },
  };
}

async function readPrograms(): Promise<Record<Part, string>> {
  const read = (part: Part) => readFile(join(PROGRAMS, `${part}.sh`), "utf8");
  return {
    stay: await read("stay"),
    "ignore-term": await read("ignore-term"),
    "print-and-end": await read("print-and-end"),
    "stay-with-strays": await read("stay-with-strays"),
  };
}

function collect(logged: string[]) {
  const line = (level: string) => (event: string, fields?: LogFields) =>
    void logged.push(`${level} ${event} ${fields?.message ?? fields?.reason ?? ""}`.trim());
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

async function living(engine: Engine, workerId: WorkerId): Promise<number> {
  const query = { all: "1", filters: JSON.stringify({ label: [`npu-dispatch.worker=${workerId}`] }) };
  const { text } = await engine.call({ method: "GET", path: "/containers/json", query });
  // Podman lists one in its grace as "stopping", and not among those that run (seen, 4.3).
  const all = JSON.parse(text) as { State: string }[];
  return all.filter(({ State }) => !["created", "exited", "dead"].includes(State)).length;
}

/** Of its first process, by the engine's word for its pid: the engine is on this host. */
async function environment(engine: Engine, workerId: WorkerId): Promise<string> {
  const { text } = await engine.call({ method: "GET", path: `/containers/${workerId}/json` });
  return readFile(`/proc/${JSON.parse(text).State.Pid}/environ`, "utf8");
}
