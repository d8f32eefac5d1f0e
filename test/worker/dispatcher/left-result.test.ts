// The worker's last word where its pool reads it: a file of its own, or one that the pool made and bounds.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseReport } from "../../../shared/protocol/report.ts";
import { keepResult, takeBackResult } from "../../../worker/dispatcher/left-result.ts";
import { createKeptLog } from "../support/kept-log.ts";

let workDir = "";
beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), "npd-left-"));
});
afterEach(() => rmSync(workDir, { recursive: true }));

function place() {
  const resultFile = join(workDir, "termination-log");
  writeFileSync(resultFile, "");
  return { workDir, resultFile, log: createKeptLog() };
}

test("is written in place, and taken back by emptying it: the file may be a mount", async () => {
  const given = place();
  const before = statSync(given.resultFile).ino;
  expect(await keepResult(given, { output: { outcome: "ran", message: "Ran build." }, stopPod: true })).toBe(
    true,
  );
  expect(statSync(given.resultFile).ino).toBe(before);
  expect(parseReport(readFileSync(given.resultFile, "utf8"))).toMatchObject({ stopPod: true });
  await takeBackResult(given);
  expect(readFileSync(given.resultFile, "utf8")).toBe("");
});

test("fits into what Kubernetes keeps of it, and can still be read", async () => {
  const given = place();
  const message = "config.sh: ".padEnd(9_000, "é");
  await keepResult(given, {
    output: { outcome: "config-failed", message, jobName: message },
    error: message,
  });
  const text = readFileSync(given.resultFile, "utf8");
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096);
  expect(parseReport(text)).toMatchObject({ output: { outcome: "config-failed" } });
});

test("a file that the pool did not make is not made", async () => {
  const given = { ...place(), resultFile: join(workDir, "none") };
  expect(await keepResult(given, { output: {}, stopPod: true })).toBe(false);
  expect(given.log.events.map(({ event }) => event)).toEqual(["result-not-kept"]);
});
