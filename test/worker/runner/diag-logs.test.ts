import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSystemClock } from "../../../worker/clock.ts";
import { followDiagLogs } from "../../../worker/runner/diag-logs.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "npd-diag-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const LISTENER = "Runner_20261121-100000-utc.log";
const write = (name: string, text: string) => appendFileSync(join(home, "_diag", name), text);

async function follow() {
  const log = createCollectingLog();
  const logs = await followDiagLogs({ home, clock: createSystemClock(), log });
  const lines = () => log.of("diag-line").map(({ state, message }) => `${state}: ${message}`);
  return { log, logs, lines };
}

it("takes the runner's traces line by line, and not an earlier runner's", async () => {
  mkdirSync(join(home, "_diag"));
  write(LISTENER, "old\n");
  const { logs, lines } = await follow();

  write(LISTENER, "new\nhal");
  write("Worker_20261121-100001-utc.log", "[2026-11-21 10:00:01Z ERR  JobRunner] no space\nend\n");
  await logs.catchUp();
  expect(lines()).toEqual([
    "Runner: new",
    "Worker: [2026-11-21 10:00:01Z ERR  JobRunner] no space",
    "Worker: end",
  ]);
  write(LISTENER, "f");
  await logs.end();

  expect(lines().at(-1)).toBe("Runner: half");
  expect(logs.lastError()).toBe("[2026-11-21 10:00:01Z ERR  JobRunner] no space");
});

it("comes before there are any", async () => {
  const { log, logs, lines } = await follow();
  await logs.catchUp();
  mkdirSync(join(home, "_diag"));
  write(LISTENER, "first\n");
  await logs.end();
  expect(lines()).toEqual(["Runner: first"]);
  expect(logs.lastError()).toBeUndefined();
  expect(log.of("diag-unreadable")).toEqual([]);
});

it("follows no link: neither of a file nor of the folder", async () => {
  writeFileSync(join(home, LISTENER), "of the worker\n");
  mkdirSync(join(home, "_diag"));
  symlinkSync(join(home, LISTENER), join(home, "_diag", LISTENER));
  const { logs, lines } = await follow();
  await logs.catchUp();
  expect(lines()).toEqual([]);

  renameSync(join(home, "_diag"), join(home, "old"));
  symlinkSync(home, join(home, "_diag"));
  await logs.end();
  expect(lines()).toEqual([]);
});

it("takes the beginning of a flood", async () => {
  mkdirSync(join(home, "_diag"));
  const { log, logs, lines } = await follow();
  write(LISTENER, `${"x".repeat(8_000)}\n`.repeat(1_200));
  await logs.end();
  expect(lines().length).toBeLessThan(1_100);
  expect(lines().length).toBeGreaterThan(1_000);
  expect(log.of("diag-cut")).toHaveLength(1);
});
