// docs/operations.md: every command is run as it stands against a dispatcher, and its numbers are the program's.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createOperatorApp } from "../../functions/http/operator/app.ts";
import { bindOperatorUseCases } from "../../functions/http/operator/use-cases.ts";
import { createRateLimiter } from "../../functions/http/rate-limit.ts";
import { OPERATOR_DRAIN_MS } from "../../shared/domain/deadlines.ts";
import { stateAnswer } from "../../shared/protocol/operator-plane.ts";
import { redact } from "../../shared/redacted.ts";
import { OWNER, TENANT } from "../domain/builders.ts";
import { listen } from "../functions/http/http-world.ts";
import { GLOBEX, OTHER, operatorWorld, queue } from "../usecases/operator-plane/operator-world.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const KEY = "operator-key-of-at-least-32-characters";
const execute = promisify(execFile);
/** The one that the page revokes. */
const LEAKED = {
  hash: "3f786850e387".padEnd(64, "0"),
  tenant: TENANT,
  login: OWNER.login,
  name: "leaked",
  createdAt: 0,
};
const text = await readFile(join(ROOT, "docs", "operations.md"), "utf8");

let dir = "";
let server: { url: string; close(): Promise<void> };
let world: ReturnType<typeof operatorWorld>;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-operate-"));
  await writeFile(join(dir, "key"), `${KEY}\n`);
  world = operatorWorld({ script: { mute: true } });
  // Tenants are known by name once something came from them.
  queue(world, OTHER);
  queue(world, OTHER, GLOBEX);
  await world.deliver();
  const { log, clock, deps } = world;
  const plane = { adminKey: redact(KEY), rateLimiter: createRateLimiter(clock), log, rejectionLog: log };
  server = await listen(createOperatorApp({ ...plane, useCases: bindOperatorUseCases(deps, [LEAKED]) }));
});
afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

type Run = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function shell(script: string, env: { [name: string]: string } = {}): Promise<Run> {
  const at = { DISPATCH_URL: server.url, ADMIN_KEY_FILE: join(dir, "key"), NODE: process.execPath };
  const program = script.replaceAll("npm run operate --", `"$NODE" ${join(ROOT, "scripts", "operate.ts")}`);
  const run = execute("bash", ["--norc", "-euo", "pipefail", "-c", program], {
    cwd: dir,
    env: { PATH: process.env["PATH"], ...at, ...env },
  });
  return await run.then(
    (done) => ({ code: 0, ...done }),
    (error: Run) => error,
  );
}

test("every command is carried out, in the order of the page, and leaves nothing paused", async () => {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  const script = blocks.filter((block) => !block.startsWith("export ")).join("");
  const commands = script.match(/^npm run operate -- .*$/gm) ?? [];
  expect(commands.length).toBeGreaterThan(9);
  expect(script.trim().split("\n")).toHaveLength(commands.length);
  const { code, stdout, stderr } = await shell(script);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^API key .* is made\. It is shown this once:\n$/),
  ]);
  for (const said of [
    "pool a2: 2 of 8 cards used",
    "nothing is paused",
    "acme",
    "is draining",
    "is in use again",
  ]) {
    expect(stdout.toLowerCase()).toContain(said);
  }
  const orders = commands.filter((command) => !/ state| list/.test(command));
  expect(world.log.of("operator-order")).toHaveLength(orders.length);
  const { pauses, pools } = stateAnswer.parse(
    JSON.parse((await shell("npm run operate -- state --json")).stdout),
  );
  expect([pauses, pools[0]?.cards]).toEqual([[], []]);
}, 60_000);

test("the state in words", async () => {
  await shell('npm run operate -- pause --tenant globex --reason "why"');
  await shell('npm run operate -- drain --pool a2 --reason "why"');
  await shell('npm run operate -- quarantine --pool a2 --card 3 --reason "HBM errors"');
  const { stdout } = await shell("npm run operate -- state");
  expect(stdout.split("\n").map((line) => line.replace(/\d{4}-\S+Z/, "then"))).toEqual([
    expect.stringMatching(/^pool a2: \d of 8 cards used, \d free; workers: .+$/),
    expect.stringMatching(/^ {2}tenant Acme: \d cards, \d workers, \d waiting$/),
    expect.stringMatching(/^ {2}tenant globex: \d cards, \d workers, \d waiting$/),
    "  card 3: in quarantine until it is lifted: HBM errors (admin)",
    `tenant ${GLOBEX.id}: paused since then by admin: why`,
    "pool a2: draining since then by admin: why",
    "",
  ]);
});

test("what is wrong is said, with exit code 2 and without the key", async () => {
  const wrong: readonly (readonly [string, string, { [name: string]: string }?])[] = [
    ["", "usage"],
    ["pause --pool a2", "usage"],
    ["pause --pool a2 --tenant acme --reason x", "usage"],
    ["pause --pool a2 --card 1 --reason x", "usage"],
    ["lift --card 3 --reason x", "usage"],
    ["state --pool a2", "usage"],
    ["state now", "usage"],
    ["stop --pool a2 --reason x", "usage"],
    ["pause --pol a2", "Unknown option"],
    ["pause --pool a3 --reason x", '404: there is no pool "a3"'],
    ["state", "401: send the admin key", { ADMIN_KEY: "another-key-of-at-least-32-characters" }],
    ["state", "did not answer", { DISPATCH_URL: "http://127.0.0.1:9" }],
    ["state", "ADMIN_KEY_FILE cannot be read: ENOENT: no such file", { ADMIN_KEY_FILE: join(dir, "gone") }],
    ["state", "Set DISPATCH_URL", { ADMIN_KEY_FILE: "" }],
    ["state", "write it with its scheme", { DISPATCH_URL: "127.0.0.1:8787" }],
  ];
  const runs = await Promise.all(wrong.map(([args, , env]) => shell(`npm run operate -- ${args}`, env)));
  for (const [index, [args, word]] of wrong.entries()) {
    expect(runs[index], args).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(word) });
    expect(runs[index]?.stderr).not.toContain(KEY);
  }
}, 60_000);

test("its numbers are those of the program", async () => {
  expect(text).toContain(`listened for ${OPERATOR_DRAIN_MS / 1_000} s without a job`);
  const gate = await readFile(join(ROOT, "shared/usecases/dispatch/pause-gate.ts"), "utf8");
  const [, most = ""] = /MAX_SEARCHED = ([\d_]+)/.exec(gate) ?? [];
  expect(text).toContain(`up to ${Number(most.replaceAll("_", "")).toLocaleString("en")} jobs deep`);
});
