// The local pool with real processes: signals, limits, environment and files.
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readProcess } from "../../../shared/adapters/pools/local/read-processes.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import {
  type LocalPoolUnderTest,
  openLocalPool,
  processesOf,
  program,
  specOf,
} from "../../contract/local-pool-under-test.ts";
import { POLL, stopped } from "../../contract/pool-driver-contract.ts";

let pool: LocalPoolUnderTest;
beforeEach(async () => {
  pool = await openLocalPool();
});
afterEach(() => pool.close());

test("a worker is told of with its cards, by their numbers on the host, also when it has ended", async () => {
  for (const name of ["davinci1", "davinci4", "davinci5", "davinci7"]) {
    await writeFile(join(pool.dir, name), "");
  }
  const driver = pool.open({ cards: "auto" });
  const spec = specOf({ command: ["/bin/sh", "-c", "exit 3"] });
  await driver.start(spec);
  await expect.poll(() => driver.inspect(spec.workerId), POLL).toMatchObject({ type: "exited", code: 3 });
  expect(await driver.inspect(spec.workerId)).toMatchObject({ devices: ["1", "7"] });
  const stays = specOf();
  await driver.start(stays);
  expect(await driver.inspect(stays.workerId)).toMatchObject({ type: "running", devices: ["1", "7"] });
});

describe("ending", () => {
  test("a worker has its grace before it is killed, and the event loop stays free", async () => {
    const spec = specOf({ command: program("ignore-term") });
    await pool.driver.start(spec);
    await pool.ready(spec.workerId);
    let turns = 0;
    const ticker = setInterval(() => turns++, 5);
    const from = performance.now();
    expect(await pool.driver.stop(spec.workerId, 300)).toBe("gone");
    clearInterval(ticker);
    expect(performance.now() - from).toBeGreaterThanOrEqual(300);
    expect(turns).toBeGreaterThan(5);
  });

  test("a worker that ends on TERM does not use up its grace", async () => {
    const spec = specOf();
    await pool.driver.start(spec);
    const from = performance.now();
    expect(await stopped(pool.driver, spec.workerId, 60_000)).toBe("gone");
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
    expect(await stopped(pool.reopen(), spec.workerId, 60_000)).toBe("gone");
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(await processesOf(spec.workerId)).toEqual([]);
  });

  test("a process of another worker, or whose marker only begins alike, is left alone", async () => {
    const spec = specOf();
    const longer = specOf({ workerId: `${spec.workerId}-2` as WorkerId });
    await pool.driver.start(spec);
    await pool.driver.start(longer);
    await stopped(pool.driver, spec.workerId);
    expect(await pool.driver.inspect(longer.workerId)).toMatchObject({ type: "running" });
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

  test("ends a worker too that is over it before its start is noted", async () => {
    const specs = Array.from({ length: 8 }, () => specOf({ limitMs: 0 }));
    await Promise.all(specs.map((spec) => pool.driver.start(spec)));
    for (const spec of specs) {
      await expect
        .poll(() => pool.driver.inspect(spec.workerId), POLL)
        .toMatchObject({ type: "exited", code: 143 });
    }
  });

  test("is taken over by the next dispatcher", async () => {
    const spec = specOf({ limitMs: 3_600_000 });
    await pool.driver.start(spec);
    pool.open({ clock: { now: () => Date.now() + 3_600_000 } });
    await expect.poll(() => pool.driver.inspect(spec.workerId), POLL).toMatchObject({ type: "exited" });
    expect(pool.logged).toContain("info workers-found");
  });

  test("does not reach a worker that was stopped, nor one that ended by itself", async () => {
    let now = Date.now();
    const driver = pool.open({ clock: { now: () => now } });
    const stoppedSpec = specOf({ limitMs: 100 });
    const endedSpec = specOf({ limitMs: 100, command: ["/bin/true"] });
    await driver.start(stoppedSpec);
    await driver.start(endedSpec);
    await stopped(driver, stoppedSpec.workerId);
    await expect.poll(() => driver.inspect(endedSpec.workerId), POLL).toMatchObject({ type: "exited" });
    await driver.start(specOf({ limitMs: 150 }));
    now += 150;
    await expect.poll(() => pool.logged, POLL).toContain("warn worker-limit-reached");
    expect(pool.logged.filter((line) => line.startsWith("warn"))).toHaveLength(1);
  });
});

describe("environment and files", () => {
  test("a worker's folder goes whatever modes and names its job left", async () => {
    const seal = [
      "mkdir -p sealed/deep && touch sealed/deep/file",
      'touch "$(printf "sealed/\\377")"',
      "chmod 000 sealed/deep && chmod 500 sealed && chmod 000 .",
    ];
    const spec = specOf({ command: ["/bin/sh", "-c", seal.join(" && ")] });
    await pool.driver.start(spec);
    await expect.poll(() => pool.driver.inspect(spec.workerId), POLL).toMatchObject({ code: 0 });
    expect(await stopped(pool.driver, spec.workerId)).toBe("gone");
    await expect.poll(() => readdir(join(pool.dir, "workers")), POLL).toEqual([]);
    expect(pool.logged.filter((line) => line.startsWith("warn"))).toEqual([]);
  });

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
        `WORKER_KEPT_DIR=${join(pool.dir, "kept")}`,
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

  test("the exit code is known as soon as the end is", async () => {
    for (let run = 0; run < 60; run++) {
      const spec = specOf({ command: ["/bin/true"] });
      await pool.driver.start(spec);
      let state = await pool.driver.inspect(spec.workerId);
      while (state.type === "running") state = await pool.driver.inspect(spec.workerId);
      expect(state).toMatchObject({ type: "exited", code: 0 });
    }
  });

  test("a log of any size is read from its end", async () => {
    const spec = specOf();
    await pool.driver.start(spec);
    await pool.ready(spec.workerId); // it prints no more
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
