// Opens a local pool in a folder of its own for a test, and leaves neither processes nor files.
import { mkdtemp, readdir, readFile, readlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { createLocalPool, type LocalPoolOptions } from "../../shared/adapters/pools/local/local-pool.ts";
import { removeFolder } from "../../shared/adapters/system/empty-folder.ts";
import { poolName, type WorkerId } from "../../shared/domain/ids.ts";
import type { LogFields } from "../../shared/ports/log.ts";
import type { PoolDriver, StartSpec } from "../../shared/ports/pool-driver.ts";
import { newId, type Part, POLL, type PoolUnderTest, stopped } from "./pool-driver-contract.ts";

export const SECRETS = [
  "GITHUB_APP_PRIVATE_KEY",
  "DISPATCH_SECRET",
  "AWS_SECRET_ACCESS_KEY",
  "planted-value",
];

const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "local-pool");

export type LocalPoolUnderTest = PoolUnderTest & {
  readonly dir: string;
  /** `<level> <event>` of every log line. */
  readonly logged: readonly string[];
  open(changes?: Partial<LocalPoolOptions>): PoolDriver;
};

export function program(part: Part): readonly string[] {
  return ["/bin/sh", join(PROGRAMS, `${part}.sh`)];
}

export async function openLocalPool(changes: Partial<LocalPoolOptions> = {}): Promise<LocalPoolUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-local-"));
  const logged: string[] = [];
  const line = (level: string) => (event: string, _fields?: LogFields) =>
    void logged.push(`${level} ${event}`);
  const baseEnv = {
    ...process.env,
    GITHUB_APP_PRIVATE_KEY: "planted-value",
    DISPATCH_SECRET: "planted-value",
    AWS_SECRET_ACCESS_KEY: "planted-value",
  };
  const open = (more: Partial<LocalPoolOptions> = {}) =>
    createLocalPool({
      name: poolName("local"),
      dir,
      kind: "npu",
      cards: 8,
      workerCommand: program("stay"),
      baseEnv,
      extraEnv: {},
      devDir: dir, // no device files: simulated cards on every machine
      clock: { now: Date.now },
      log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
      ...changes,
      ...more,
    });
  const driver = open();
  return {
    dir,
    driver,
    logged,
    secrets: SECRETS,
    open,
    reopen: () => open(),
    command: program,
    living: async (workerId) => (await processesOf(workerId)).length,
    async environment(workerId) {
      const record = await readFile(join(dir, "workers", workerId, "worker.json"), "utf8");
      return environOf(String(JSON.parse(record).process.pid));
    },
    ready: async (workerId) => {
      await expect.poll(() => driver.logsTail(workerId, 10), POLL).toContain("ready");
    },
    async close() {
      await Promise.all((await driver.list()).map((workerId) => stopped(driver, workerId, 0)));
      await removeFolder(dir);
    },
  };
}

/** A worker on the cards 0 and 3 that plays `stay`. */
export function specOf(changes: Partial<StartSpec> = {}): StartSpec {
  return {
    workerId: newId(),
    endpoint: "linux-aarch64-a2-2",
    tenant: "1",
    cards: 2,
    slots: [0, 3],
    image: undefined,
    command: undefined,
    env: {},
    limitMs: 60_000,
    ...changes,
  };
}

/** Living processes that carry the worker's marker; looks at /proc in its own way, apart from the driver's. */
export async function processesOf(workerId: WorkerId): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => ((await carries(pid, workerId)) ? [Number(pid)] : [])),
  );
  return found.flat();
}

async function carries(pid: string, workerId: WorkerId): Promise<boolean> {
  try {
    return (await environOf(pid)).split("\0").includes(`NPU_DISPATCH_WORKER=${workerId}`);
  } catch (error) {
    // Ended between the two looks, or a kernel thread, which has no program.
    if (error instanceof Error && /ENOENT|ESRCH|EACCES/.test(error.message)) return false;
    throw error;
  }
}

/** A process in the middle of exec shows an empty environment for a moment. */
async function environOf(pid: string): Promise<string> {
  for (let look = 0; look < 20; look++) {
    const environ = await readFile(`/proc/${pid}/environ`, "utf8");
    if (environ !== "") return environ;
    await readlink(`/proc/${pid}/exe`);
    await sleep(5);
  }
  return "";
}
