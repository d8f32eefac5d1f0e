// Misbehaviour on order: words in RUNNER_STAND_IN_FAULT or in the file .stand-in-fault of the runner's folder.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * `exits-at-once`: run ends with the terminated error; `ghost`: listens and never takes a job; `too-old`: version
 * 2.300.0; `config-fails`; `slow-config=<ms>` (3,000 ms without a number).
 * @returns {{has: (word: string) => boolean, ms: (word: string) => number}}
 */
export function readFaults(root) {
  const file = join(root, ".stand-in-fault");
  const text = process.env.RUNNER_STAND_IN_FAULT ?? (existsSync(file) ? readFileSync(file, "utf8") : "");
  const words = text.split(/[\s,]+/).map((word) => word.split("="));
  const find = (name) => words.find(([word]) => word === name);
  return {
    has: (name) => find(name) !== undefined,
    ms: (name) => (find(name) === undefined ? 0 : Number(find(name)[1] ?? DEFAULT_MS)),
  };
}

const DEFAULT_MS = 3_000;

export function versionOf(faults) {
  return faults.has("too-old") ? "2.300.0" : "2.336.0";
}
