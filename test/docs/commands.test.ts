// Every npm command in a block of docs/*.md is run by the gate or by a test; the readme has a test of its own.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const execute = promisify(execFile);
const SIMULATED = ["--seed 17 --trace", "--seed 17 --runs 5", "--runs 500 --faults crash,gate"];

/** How a command begins, the file that runs it, and a text in there. The first that fits counts. */
const RUN_BY: readonly (readonly [string, string, string])[] = [
  ["npm ci", ".ci/run", "npm ci"],
  ["npm run demo -- --api", ".ci/run", "demo -- --api"],
  ["npm start ", "test/e2e/api-only.test.ts", "npm start -- --config docs/programs/dispatch.yaml"],
  ["npm run build", "package.json", '"pretest": "npm run --silent check-node && npm run --silent build'],
  ["npm run image ", ".ci/image.sh", "node scripts/image.ts --variant"],
  ["npm run key ", "test/docs/api.test.ts", '"key.ts"'],
  ["npm run operate ", "test/docs/operations.test.ts", '"operate.ts"'],
  ["npm run package ", ".ci/run", "npm run package"],
  ...SIMULATED.map((args) => [`npm run simulate -- ${args}`, "test/docs/commands.test.ts", args] as const),
  ["npm run simulate -- --runs ", ".ci/run", "simulate -- --runs"],
  ["npx vitest run test/contract/", "vitest.config.ts", "test/contract/**/*.test.ts"],
  // Needs Python and a package index: without RUNPOD_PYTHONS the same file tests nothing.
  ["npx vitest run test/e2e/python-sdks.test.ts", "vitest.config.ts", "test/{smoke,e2e}/**/*.test.ts"],
  // Needs an account: packaging runs the same program.
  ["npx osls deploy ", "scripts/package/run-osls.ts", "osls"],
];

const commands = readdirSync(join(ROOT, "docs"))
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) => commandsIn(read(`docs/${name}`)).map((command) => [name, command] as const));

test("there are commands", () => expect(commands.length).toBeGreaterThan(20));

test.each(commands)("%s: %s", (_page, command) => {
  const [, file = "", text = ""] = RUN_BY.find(([start]) => `${command} `.startsWith(start)) ?? [];
  expect(file, `nobody runs: ${command}`).not.toBe("");
  expect(read(file)).toContain(text);
});

test.each(SIMULATED)("npm run simulate -- %s", async (args) => {
  const words = args.replace("--runs 500", "--runs 5").split(" ");
  const { stdout } = await execute(process.execPath, ["scripts/simulate.ts", ...words], {
    cwd: ROOT,
    maxBuffer: 50_000_000,
  });
  expect(stdout).toMatch(args.includes("--trace") ? /delivered +gh-\d+ queued/ : /^5 runs, \d+ jobs/m);
});

/** Lines of blocks, each half of `a && b` by itself, without settings before it and comments behind it. */
function commandsIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => /^ *([A-Z_]+=\S* )*(npm|npx) /.test(line) || /^[^`|]* && (npm|npx) /.test(line))
    .flatMap((line) => line.split(" && "))
    .map((part) => part.replace(/ +#.*$/, "").replace(/^ *([A-Z_]+=\S* )*/, ""))
    .filter((part) => /^(npm|npx) /.test(part));
}
