// Dispatchers that die or race at every step of a start: never two processes, never one that nobody can find.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import {
  type LocalPoolUnderTest,
  openLocalPool,
  processesOf,
  program,
  specOf,
} from "../../contract/local-pool-under-test.ts";
import { newId, POLL, stopped } from "../../contract/pool-driver-contract.ts";

const DISPATCHER = join(import.meta.dirname, "..", "..", "fixtures", "local-pool", "dispatcher.ts");

let pool: LocalPoolUnderTest;
let dispatchers: ChildProcess[];
beforeEach(async () => {
  pool = await openLocalPool();
  dispatchers = [];
});
afterEach(async () => {
  for (const dispatcher of dispatchers) dispatcher.kill("SIGKILL");
  await pool.close();
});

test.each([
  { step: "before-claim", processes: 0, outcome: "started", after: 1 },
  { step: "before-spawn", processes: 0, outcome: "cut-off", after: 0 },
  { step: "before-note", processes: 1, outcome: "started", after: 1 },
  { step: "none", processes: 1, outcome: "started", after: 1 },
])("a dispatcher that dies at step $step leaves $processes, the next one has $after", async (expected) => {
  const workerId = newId();
  const dispatcher = await openDispatcher(workerId, expected.step);
  await go(dispatcher);
  expect(await processesOf(workerId)).toHaveLength(expected.processes);
  const outcomes = await Promise.all([
    pool.driver.start(specOf({ workerId })),
    pool.reopen().start(specOf({ workerId })),
  ]);
  expect(outcomes.map(({ type }) => type)).toEqual([expected.outcome, expected.outcome]);
  expect(await processesOf(workerId)).toHaveLength(expected.after);
  expect((await pool.driver.inspect(workerId)).type).toBe(expected.after === 1 ? "running" : "exited");
  expect(await stopped(pool.driver, workerId)).toBe("gone");
  expect(await processesOf(workerId)).toEqual([]);
  expect(await pool.driver.list()).toEqual([]);
});

test("a stop is enough after a crash: it finds the process that nobody noted", async () => {
  const workerId = newId();
  await go(await openDispatcher(workerId, "before-note"));
  expect(await stopped(pool.driver, workerId)).toBe("gone");
  expect(await processesOf(workerId)).toEqual([]);
});

test("two dispatchers that start one worker at once make one process", async () => {
  const workerIds = [newId(), newId()];
  for (const workerId of workerIds) {
    const rivals = await Promise.all([openDispatcher(workerId, "none"), openDispatcher(workerId, "none")]);
    const outcomes = await Promise.all(rivals.map(go));
    expect(outcomes).toEqual(['{"type":"started"}', '{"type":"started"}']);
    expect(await processesOf(workerId)).toHaveLength(1);
  }
});

test("a worker of a dispatcher that is gone ends with an unknown code", async () => {
  const workerId = newId();
  await go(await openDispatcher(workerId, "none"));
  const [pid = 0] = await processesOf(workerId);
  process.kill(pid, "SIGTERM");
  const exited = { type: "exited", code: undefined, result: undefined };
  await expect.poll(() => pool.driver.inspect(workerId), POLL).toEqual(exited);
});

test("a pid that another process has now is never taken for the worker", async () => {
  const workerId = newId();
  await pool.driver.start(specOf({ workerId }));
  const file = join(pool.dir, "workers", workerId, "worker.json");
  const record = JSON.parse(await readFile(file, "utf8"));
  await stopped(pool.driver, workerId);
  const bystander = spawn("/bin/sleep", ["600"], { detached: true, stdio: "ignore" });
  dispatchers.push(bystander);
  const { pid } = bystander;
  await mkdir(join(file, ".."));
  await writeFile(file, JSON.stringify({ ...record, process: { ...record.process, pid } }));
  expect(await pool.driver.inspect(workerId)).toMatchObject({ type: "exited" });
  expect(await pool.driver.stop(workerId, 0)).toBe("gone");
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
  process.kill(Number(pid), 0); // throws when it is gone
});

test("after a reboot of the host no worker runs", async () => {
  const workerId = newId();
  await pool.driver.start(specOf({ workerId }));
  const file = join(pool.dir, "workers", workerId, "worker.json");
  const record = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...record, bootId: "another-boot" }));
  expect(await pool.driver.inspect(workerId)).toMatchObject({ type: "exited" });
  expect(await stopped(pool.driver, workerId)).toBe("gone");
});

test("a torn record does not stop the pool: the worker has ended, and can be stopped", async () => {
  const workerId = newId();
  const other = newId();
  await pool.driver.start(specOf({ workerId }));
  await pool.driver.start(specOf({ workerId: other }));
  await writeFile(join(pool.dir, "workers", workerId, "worker.json"), '{"bootId":"');
  expect(await pool.driver.inspect(workerId)).toMatchObject({ type: "exited" });
  expect(await pool.driver.start(specOf({ workerId }))).toMatchObject({ type: "cut-off" });
  expect(await stopped(pool.driver, workerId)).toBe("gone");
  expect(await processesOf(workerId)).toEqual([]);
  expect(await pool.driver.list()).toEqual([other]);
});

test("the remains of crashes are swept, the draft of a living dispatcher is not", async () => {
  const root = join(pool.dir, "workers");
  const alive = JSON.parse(await recordText());
  const living = `.new-${alive.starter.pid}-${alive.starter.startTicks}-x`;
  for (const name of [living, ".new-1-999999999-x", ".gone-x"])
    await mkdir(join(root, name, "work"), { recursive: true });
  pool.reopen();
  await expect.poll(() => readdir(root), POLL).toEqual([living]);

  async function recordText(): Promise<string> {
    const workerId = newId();
    await pool.driver.start(specOf({ workerId }));
    const text = await readFile(join(root, workerId, "worker.json"), "utf8");
    await stopped(pool.driver, workerId);
    return text;
  }
});

async function openDispatcher(workerId: WorkerId, step: string): Promise<ChildProcess> {
  const args = [DISPATCHER, pool.dir, workerId, step, "--", ...program("stay")];
  const dispatcher = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  dispatchers.push(dispatcher);
  await once(dispatcher.stdout as NonNullable<typeof dispatcher.stdout>, "data");
  return dispatcher;
}

/** Lets it start its worker; its outcome, or nothing when it died. */
async function go(dispatcher: ChildProcess): Promise<string> {
  let output = "";
  dispatcher.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  dispatcher.stdin?.write("go\n");
  await once(dispatcher, "close");
  return output.trim();
}
