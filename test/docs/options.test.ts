// A command that cannot do what it is asked says so in a sentence, without a stack trace.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const execute = promisify(execFile);

const CASES: readonly (readonly [string, RegExp])[] = [
  ["scripts/demo.ts --job 2", /^Unknown option '--job'/],
  ["scripts/demo.ts --jobs none", /^--jobs takes a whole number from 1 on$/],
  ["scripts/demo.ts --pool docker", /^--pool docker needs --image/],
  ["scripts/demo.ts --api --lambda", /^--api goes with --jobs, --json and --log alone$/],
  ["scripts/demo.ts --host-cards 0", /^--host-cards takes a whole number from 1 to 64$/],
  ["scripts/demo.ts --host-cards 8 --pool kubernetes", /for the local pool, without --lambda$/],
  [
    "scripts/demo.ts --pool docker --image x",
    /^--pool docker: no engine answers at unix:\/\/\/nowhere\.sock$/,
  ],
  ["scripts/build.ts bogus", /^There is nothing to build with the name "bogus", but worker, /],
  ["scripts/image.ts --variant tpu", /^--variant is one of npu, gpu, cpu; "tpu" is not/],
  ["scripts/image.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/key.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/kill-rounds.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/kill-rounds.ts --rounds x", /^--rounds takes a whole number from 1 on$/],
  ["scripts/operate.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/operate.ts state", /^Set DISPATCH_URL/],
  ["scripts/package.ts --bogus", /^Unknown option '--bogus'/],
  [
    "scripts/package.ts --config nowhere.yaml",
    /^The configuration cannot be read.* Name another file with --config\.$/,
  ],
  ["scripts/runner-freshness.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/simulate.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/simulate.ts --runs x", /^--runs takes a whole number from 1 on$/],
  ["scripts/simulate/control.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/test-search.ts --bogus", /^Unknown option '--bogus'/],
  ["scripts/test-search.ts --rounds x", /^--rounds takes a whole number from 1 on$/],
  ["bench/main.ts percentile", /^usage: npm run bench/],
];

test.each(CASES)("%s", async (command, sentence) => {
  const { code, stderr, left } = await run(command);
  expect(stderr).toMatch(sentence);
  expect(stderr).not.toMatch(/^ +at |^Node\.js v/m);
  expect([1, 2]).toContain(code);
  expect(left).toEqual([]);
});

/** `left`: in its temporary folder. */
async function run(command: string): Promise<{ code: number; stderr: string; left: string[] }> {
  const { ADMIN_KEY: _key, DISPATCH_URL: _url, ...rest } = process.env;
  const folder = mkdtempSync(join(tmpdir(), "npu-dispatch-wrong-use-"));
  const env = { ...rest, DOCKER_HOST: "unix:///nowhere.sock", CI: "", TMPDIR: folder };
  const { code, stderr } = await execute(process.execPath, command.split(" "), { cwd: ROOT, env }).then(
    () => ({ code: 0, stderr: "" }),
    (error: { code: number; stderr: string }) => error,
  );
  const left = readdirSync(folder);
  rmSync(folder, { recursive: true });
  return { code, stderr: stderr.trim(), left };
}
