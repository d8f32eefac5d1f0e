// Plays every property of the tests with new seeds: `npm run test:search -- --rounds 20`. A seed a round, for all files.
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { parseOptions, wholeNumber } from "./parse-options.ts";

/** What fast-check takes as a seed. */
const MAX_SEED = 2 ** 31;

/** A machine that others use too is slow, which says nothing about a seed. */
const TIMEOUT_MS = 600_000;

const values = parseOptions({ rounds: { type: "string", default: "20" } });
const rounds = wholeNumber("rounds", values.rounds);
const files = globSync("test/**/*.test.ts").filter((file) =>
  readFileSync(file, "utf8").includes('from "fast-check"'),
);
const failed: number[] = [];
for (let round = 1; round <= rounds; round++) {
  const seed = randomInt(MAX_SEED);
  const { status, stdout, stderr } = play(seed);
  process.stdout.write(`${round}: seed ${seed} ${status === 0 ? "passed" : `failed\n${stdout}${stderr}`}\n`);
  if (status !== 0) failed.push(seed);
}
const again = failed.map((seed) => `PROPERTY_SEED=${seed} npm test`).join("\n");
process.stdout.write(failed.length === 0 ? "no seed failed\n" : `to see it again:\n${again}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

function play(seed: number) {
  const env = { ...process.env, PROPERTY_SEED: String(seed) };
  const args = ["run", "--project", "unit", `--testTimeout=${TIMEOUT_MS}`, ...files];
  return spawnSync("vitest", args, { env, encoding: "utf8" });
}
