// The local pool with real processes: signals, limits, environment, files, and what it says when it cannot start.
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readProcess } from "../../shared/adapters/pools/local/read-processes.ts";
import type { WorkerId } from "../../shared/domain/ids.ts";
import type { StartSpec } from "../../shared/ports/pool-driver.ts";
import {
  type LocalPoolUnderTest,
  openLocalPool,
  processesOf,
  program,
} from "../contract/local-pool-under-test.ts";
import { newId, POLL, stopped } from "../contract/pool-driver-contract.ts";

let pool: LocalPoolUnderTest;
beforeEach(async () => {
  pool = await openLocalPool();
});
afterEach(() => pool.close());

describe("ending", () => {
  test("a worker has its grace before it is killed, and the event loop stays free", async () => {
    const spec = specOf({ command: program("ignore-term") });
    await pool.driver.start(spec);
    await pool.ready(spec.workerId);
    let longestTurn = 0;
    let last = performance.now();
    const ticker = setInterval(() => {
      longestTurn = Math.max(longestTurn, performance.now() - last);
      last = performance.now();
    }, 5);
    const from = performance.now();
    expect(await pool.driver.stop(spec.workerId, 300)).toBe("gone");
    clearInterval(ticker);
    expect(performance.now() - from).toBeGreaterThanOrEqual(300);
    expect(longestTurn).toBeLessThan(250);
  });

  test("a worker that ends on TERM does not use up its grace", async () => {
    const spec = specOf();
    await pool.driver.start(spec);
    const from = performance.now();
    expect(await pool.driver.stop(spec.workerId, 60_000)).toBe("gone");
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  test("strays in their own sessions die, also the one that dropped our environment", async () => {
    const spec = specOf({ command: program("stay-with-strays") });
    await pool.driver.start(spec);
    await pool.ready(spec.workerId);
    const strays = await Promise.all(
      ["marked", "unmarked"].map((name) => pidIn(spec.workerId, `${name}.pid`)),
    );
    expect(strays.map(isThere)).toEqual([true, true]);
    expect(await stopped(pool.driver, spec.workerId)).toBe("gone");
    await expect.poll(() => strays.map(isThere), POLL).toEqual([false, false]);
  });

  test("a stray whose worker has crashed is found by its marker, by a second dispatcher too", async () => {
    const stray = 'setsid /bin/sh -c "echo ready; exec sleep 600" & wait';
    const spec = specOf({ command: ["/bin/sh", "-c", stray] });
    await pool.driver.start(spec);
    await pool.ready(spec.workerId);
    process.kill((await recordOf(spec.workerId)).process.pid, "SIGKILL");
    await expect
      .poll(() => pool.driver.inspect(spec.workerId), POLL)
      .toMatchObject({ type: "exited", code: 137 });
    expect(await processesOf(spec.workerId)).toHaveLength(1);
    const from = performance.now();
    expect(await pool.reopen().stop(spec.workerId, 60_000)).toBe("gone");
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(await processesOf(spec.workerId)).toEqual([]);
  });

  test("a process of another worker, or whose marker only begins alike, is left alone", async () => {
    const spec = specOf();
    const longer = specOf({ workerId: `${spec.workerId}-2` as WorkerId });
    await pool.driver.start(spec);
    await pool.driver.start(longer);
    await stopped(pool.driver, spec.workerId);
    expect(await pool.driver.inspect(longer.workerId)).toEqual({ type: "running" });
  });

  test("the work folder goes with the worker", async () => {
    const spec = specOf();
    await pool.driver.start(spec);
    const folder = join(pool.dir, "workers", spec.workerId);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await mkdir(join(folder, "work", "a", "b"), { recursive: true });
    await writeFile(join(folder, "work", "a", "b", "file"), "text");
    await stopped(pool.driver, spec.workerId);
    await expect(stat(folder)).rejects.toThrow("ENOENT");
    await expect.poll(() => readdir(join(pool.dir, "workers")), POLL).toEqual([]);
  });
});

describe("execution limit", () => {
  test("ends a worker that is over it and keeps what it left", async () => {
    const spec = specOf({ limitMs: 50 });
    await pool.driver.start(spec);
    await expect
      .poll(() => pool.driver.inspect(spec.workerId), POLL)
      .toMatchObject({ type: "exited", code: 143 });
    expect(pool.logged).toContain("warn worker-limit-reached");
    expect(await pool.driver.list()).toEqual([spec.workerId]);
  });

  test("is taken over by the next dispatcher", async () => {
    const spec = specOf({ limitMs: 3_600_000 });
    await pool.driver.start(spec);
    pool.open({ clock: { now: () => Date.now() + 3_600_000 } });
    await expect.poll(() => pool.driver.inspect(spec.workerId), POLL).toMatchObject({ type: "exited" });
    expect(pool.logged).toContain("info workers-found");
  });

  test("does not reach a worker that was stopped, nor one that ended by itself", async () => {
    const stoppedSpec = specOf({ limitMs: 100 });
    const endedSpec = specOf({ limitMs: 100, command: ["/bin/true"] });
    await pool.driver.start(stoppedSpec);
    await pool.driver.start(endedSpec);
    await stopped(pool.driver, stoppedSpec.workerId);
    const witness = specOf({ limitMs: 150 });
    await pool.driver.start(witness);
    await expect.poll(() => pool.logged, POLL).toContain("warn worker-limit-reached");
    expect(pool.logged.filter((line) => line.startsWith("warn"))).toHaveLength(1);
  });
});

describe("environment and files", () => {
  test("a worker gets its cards, its folder and its marker, and only what is allowed of the dispatcher's", async () => {
    const spec = specOf({ env: { RUNPOD_AI_API_KEY: "token" } });
    const driver = pool.open({ baseEnv: { PATH: "/bin", SECRET: "s" }, extraEnv: { MIRROR: "m" } });
    await driver.start(spec);
    await pool.ready(spec.workerId);
    const entries = (await pool.environment(spec.workerId)).split("\0").filter((entry) => entry !== "");
    const ours = entries.filter((entry) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(entry)); // /bin/sh adds these for itself
    const dir = join(pool.dir, "workers", spec.workerId, "work");
    expect(new Set(ours)).toEqual(
      new Set([
        "PATH=/bin",
        "MIRROR=m",
        "RUNPOD_AI_API_KEY=token",
        `NPU_DISPATCH_WORKER=${spec.workerId}`,
        `WORKER_DIR=${dir}`,
        "ASCEND_VISIBLE_DEVICES=0,3",
        "ASCEND_RT_VISIBLE_DEVICES=0,3",
        "NPU_DISPATCH_SIMULATED_CARDS=0,3",
      ]),
    );
  });

  test("a result that is a link, a pipe or a folder is none", async () => {
    const traps = ["ln -s /etc/hostname", "mkfifo", "mkdir"];
    const specs = traps.map((trap) =>
      specOf({ command: ["/bin/sh", "-c", `${trap} "$WORKER_DIR/result.json"`] }),
    );
    for (const spec of specs) {
      await pool.driver.start(spec);
      const exited = { type: "exited", code: 0, result: undefined };
      await expect.poll(() => pool.driver.inspect(spec.workerId), POLL).toEqual(exited);
    }
  });

  test("a log of any size is read from its end", async () => {
    const spec = specOf();
    await pool.driver.start(spec);
    const log = join(pool.dir, "workers", spec.workerId, "log");
    const lines = Array.from({ length: 10_000 }, (_, line) => `line ${line} é`);
    await writeFile(log, lines.join("\n"));
    expect(await pool.driver.logsTail(spec.workerId, 2)).toEqual(lines.slice(-2));
    const most = await pool.driver.logsTail(spec.workerId, 10_000);
    expect(most.length).toBeGreaterThan(3_000);
    expect(most).toEqual(lines.slice(-most.length));
    await writeFile(log, "x".repeat(100_000));
    expect(await pool.driver.logsTail(spec.workerId, 5)).toEqual(["x".repeat(65_536)]);
  });
});

describe("starts that cannot be", () => {
  test.each([
    ["a missing program", ["/nowhere/program"], /program \/nowhere\/program was not found/],
    ["a program that PATH does not have", ["no-such-program-anywhere"], /was not found/],
    ["a script of a missing interpreter", ["@script"], /the interpreter that it names/],
    ["a file that is no program", ["@plain"], /may not be executed/],
    ["a folder", ["/tmp"], /may not be executed/],
    ["a NUL character", ["/bin/echo", "a\0b"], /NUL/],
    ["too long arguments", ["/bin/echo", "x".repeat(3_000_000)], /more arguments/],
    ["an empty command", [], /names no program/],
  ])("refuses %s", async (_case, parts, message) => {
    await writeFile(join(pool.dir, "script"), "#!/nowhere/sh\n", { mode: 0o755 });
    await writeFile(join(pool.dir, "plain"), "text", { mode: 0o644 });
    const command = parts.map((part) => part.replace("@", `${pool.dir}/`));
    const spec = specOf({ command });
    expect(await pool.driver.start(spec)).toEqual({
      type: "refused",
      message: expect.stringMatching(message),
    });
    expect(await pool.driver.inspect(spec.workerId)).toEqual({ type: "gone" });
    expect(await pool.driver.list()).toEqual([]);
    // The same worker may start once the fault is mended.
    expect(await pool.driver.start({ ...spec, command: program("stay") })).toEqual({ type: "started" });
  });

  test("refuses cards that are not named, or not there", async () => {
    const unnamed = await pool.driver.start(specOf({ slots: [] }));
    expect(unnamed).toMatchObject({
      type: "refused",
      message: expect.stringContaining("needs 2 cards, but 0"),
    });
    const missing = await pool.driver.start(specOf({ slots: [7, 8] }));
    expect(missing).toMatchObject({ type: "refused", message: expect.stringContaining("no card 8") });
  });

  test("refuses a pool folder below a file", async () => {
    await writeFile(join(pool.dir, "file"), "");
    const driver = pool.open({ dir: join(pool.dir, "file") });
    const outcome = await driver.start(specOf());
    expect(outcome).toMatchObject({ type: "refused", message: expect.stringContaining("below a file") });
  });
});

function specOf(changes: Partial<StartSpec> = {}): StartSpec {
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

async function recordOf(workerId: WorkerId) {
  return JSON.parse(await readFile(join(pool.dir, "workers", workerId, "worker.json"), "utf8"));
}

async function pidIn(workerId: WorkerId, name: string): Promise<number> {
  return Number(await readFile(join(pool.dir, "workers", workerId, "work", name), "utf8"));
}

/** A zombie is gone: whether it is collected is up to the init process of the machine. */
function isThere(pid: number): boolean {
  const info = readProcess(pid);
  return info !== undefined && !info.ended;
}
