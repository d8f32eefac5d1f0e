// What people and the worker read: lines on stdout and stderr, traces in _diag.
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

export function writeLine(line = "") {
  process.stdout.write(`${line}\n`);
}

export function writeError(line) {
  process.stderr.write(`${line}\n`);
}

export function writeSuccess(line) {
  writeLine(`√ ${line}`);
}

export function writeSection(title) {
  writeLine(`\n# ${title}\n`);
}

/** `2026-11-21 19:43:16Z`, the form of the runner's own lines. */
export function utc() {
  return new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}

/** @returns {(line: string) => void} writes to `_diag/<kind>_….log`, and to stdout when the environment asks for it */
export function createTrace(root, kind) {
  const folder = join(root, "_diag");
  mkdirSync(folder, { recursive: true });
  const stamp = new Date()
    .toISOString()
    .replaceAll(/[-:]|\.\d+Z$/g, "")
    .replace("T", "-");
  const file = join(folder, `${kind}_${stamp}-utc.log`);
  const echo = process.env.ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT === "1";
  return (line) => {
    const text = `[${kind.toUpperCase()} ${utc()} INFO ${kind}] ${line}`;
    appendFileSync(file, `${text}\n`);
    if (echo) writeLine(text);
  };
}
