// docs/api.md: its calls work as they stand, its key command too, its numbers are the program's.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashKey } from "../../functions/http/client/auth.ts";
import { createSqliteStores } from "../../shared/adapters/sqlite/sqlite-stores.ts";
import { parseConfig } from "../../shared/config/parse.ts";
import { createClientWorld, ECHO, KEY } from "../functions/http/client/client-world.ts";
import { listen } from "../functions/http/http-world.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const execute = promisify(execFile);

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-docs-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test("every curl line answers", async () => {
  const text = await readFile(join(ROOT, "docs", "api.md"), "utf8");
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  const script = blocks.filter((block) => !block.startsWith("export ")).join("\n");
  const calls = script.match(/\bcurl /g) ?? [];
  expect(calls.length).toBeGreaterThan(8);
  const world = await createClientWorld();
  const server = await listen(world.app);
  try {
    const env = {
      PATH: process.env["PATH"],
      URL: `${server.url}/v2/${ECHO}`,
      AUTH: `Authorization: Bearer ${KEY}`,
    };
    const { stdout } = await execute("bash", ["-euo", "pipefail", "-x", "-c", script], { cwd: dir, env });
    const answers = JSON.parse(`[${stdout.replaceAll("}{", "},{")}]`) as unknown[];
    expect(answers).toHaveLength(calls.length);
  } finally {
    await server.close();
  }
});

test("its limits are those of the program", async () => {
  const text = (await readFile(join(ROOT, "docs", "api.md"), "utf8")).replace(/\s+/g, " ");
  const source = await readFile(join(ROOT, "functions", "http", "rate-limit.ts"), "utf8");
  for (const [, name = "", requests = "", atOnce = ""] of source.matchAll(
    /"?([a-z-]+)"?: \{ requests: ([\d_]+), atOnce: ([\d_]+) \}/g,
  )) {
    const count = Number(requests.replaceAll("_", ""));
    expect(text).toMatch(new RegExp(`${count.toLocaleString("en")} × (status and )?${name}`));
    if (count >= 10 && name !== "purge-queue") expect(Number(atOnce.replaceAll("_", ""))).toBe(count / 5);
  }
});

describe("npm run key", () => {
  async function key(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const command = [join(ROOT, "scripts", "key.ts"), ...args];
    const run = execute(process.execPath, command, { cwd: dir });
    return await run.then(
      (done) => ({ code: 0, ...done }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  }
  const open = () =>
    createSqliteStores({ file: join(dir, "data", "dispatch.db"), clock: Date, onChange: () => undefined });

  test("stores the hash of a key that it prints once", async () => {
    const { stdout, stderr } = await key(
      "--tenant",
      "acme",
      "--owner-id",
      "4711",
      "--data",
      join(dir, "data"),
    );
    expect(stdout).toMatch(/^npud_[a-z0-9]{40}\n$/);
    expect(stderr).not.toContain(stdout.trim());
    // A mistyped folder is a new one.
    expect(stderr).toContain("There was no store in that folder");
    const stores = open();
    try {
      const stored = await stores.api.apiKeys.get(hashKey(stdout.trim()));
      expect(stored).toMatchObject({ tenant: "4711", login: "acme", name: "api" });
    } finally {
      stores.close();
    }
  });

  test("while a server has the store it says so, and what to do", async () => {
    const stores = open();
    try {
      const refused = await key("--tenant", "acme", "--owner-id", "4711", "--data", join(dir, "data"));
      expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--offline") });
    } finally {
      stores.close();
    }
  });

  test("--offline prints lines that dispatch.yaml takes", async () => {
    const { stdout, stderr } = await key("--tenant", "acme", "--owner-id", "4711", "--offline");
    const lines = stderr.slice(stderr.indexOf("apiKeys:"));
    const parsed = parseConfig(`pools: { a: { driver: local, kind: cpu } }
endpoints: [{ name: e, pool: a, startedBy: api, command: [x] }]
${lines}`);
    expect(parsed).toMatchObject({
      ok: true,
      config: { apiKeys: [{ hash: hashKey(stdout.trim()), tenant: "4711", login: "acme" }] },
    });
  });

  test("what is wrong with its arguments is said", async () => {
    const wrong: readonly (readonly [string[], string])[] = [
      [["--tenant", "acme; id", "--owner-id", "1"], "usage"],
      [["--tenant", "acme", "--owner-id", "x"], "is a number"],
      [["--tenant", "acme", "--offline"], "needs --owner-id"],
      [["--tenant", "acme", "--data", "data"], "does not know"],
      [["--nonsense"], "nonsense"],
    ];
    const results = await Promise.all(wrong.map(([args]) => key(...args)));
    for (const [index, [, word]] of wrong.entries()) {
      expect(results[index]).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(word) });
    }
  });
});
