// A folder of device files and a program of the driver that always says the same, for the preflight.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { findResidue, runPreflight } from "../../../worker/preflight/preflight.ts";
import type { ProgramResult } from "../../../worker/process/run-program.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

export type Env = Record<string, string>;

export const shows = (output: string, code = 0): ProgramResult => ({ type: "exited", code, output });

/** Its folder is a new one for each test. */
export function preflightWorld() {
  let deviceDir = "";
  beforeEach(() => {
    deviceDir = mkdtempSync(join(tmpdir(), "npd-dev-"));
  });
  afterEach(() => rmSync(deviceDir, { recursive: true }));

  return {
    deviceDir: () => deviceDir,
    devices(...names: string[]): void {
      for (const name of names) writeFileSync(join(deviceDir, name), "");
    },
    /** Before a job and after it; `calls` of the driver's program. */
    async check(cards: number, env: Env, answer: ProgramResult) {
      const calls: string[][] = [];
      const run = async (program: string, args: readonly string[]) => {
        calls.push([program, ...args]);
        return answer;
      };
      const deps = { env, clock: createVirtualClock(), run, deviceDir };
      const result = await runPreflight(deps, cards);
      const residue = await findResidue(deps, cards, new AbortController().signal);
      return { ...result, residue, calls };
    },
  };
}
