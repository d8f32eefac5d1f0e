// docs/programs.md as it stands: a key, `npm start` without a GitHub App, and the page's calls against the sample program.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endLeft } from "./harness/end-left.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SAMPLE = join(ROOT, "docs", "programs", "dispatch.yaml");
const execute = promisify(execFile);
const env = { PATH: process.env["PATH"] };

let dir = "";
let stop: () => void = () => undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-api-only-"));
});
afterEach(async () => {
  stop();
  endLeft(dir);
  await rm(dir, { recursive: true, force: true });
});

/** Its base URL, once it listens; from another folder than that of dispatch.yaml. */
async function serve(): Promise<string> {
  const args = [join(ROOT, "functions", "serve.ts"), "--port", "0", "--data", "data", "--config", SAMPLE];
  const server = spawn(process.execPath, args, { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"] });
  stop = () => server.kill("SIGKILL");
  let text = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return await until("the server to listen", () => /"url":"(http:[^"]+)"/.exec(text)?.[1], {
    detail: () => text,
  });
}

test("its steps end in a result, with no GitHub App anywhere", async () => {
  const page = await readFile(join(ROOT, "docs", "programs.md"), "utf8");
  expect(page).toContain("npm run key -- --tenant me --owner-id 1\n");
  expect(page).toContain("npm start -- --config docs/programs/dispatch.yaml\n");
  const made = ["--tenant", "me", "--owner-id", "1", "--data", "data"];
  const { stdout: key } = await execute(process.execPath, [join(ROOT, "scripts", "key.ts"), ...made], {
    cwd: dir,
    env,
  });
  const url = await serve();
  const [, calls = ""] = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? "");
  const { stdout } = await execute("bash", ["-euo", "pipefail", "-c", calls], {
    cwd: dir,
    env: { ...env, URL: `${url}/v2/hello`, AUTH: `Authorization: Bearer ${key.trim()}` },
  });
  const answers = JSON.parse(`[${stdout.replaceAll("}{", "},{")}]`) as unknown[];
  expect(answers).toMatchObject([
    { status: "COMPLETED", output: { hello: "world" } },
    { status: "IN_QUEUE" },
    { status: "COMPLETED", output: { hello: "you" } },
    { jobs: { completed: 2 } },
  ]);
  const delivery = await fetch(`${url}/webhooks/github`, { method: "POST", body: "{}" });
  expect([delivery.status, await delivery.text()]).toEqual([
    404,
    expect.stringContaining("this dispatcher has no GitHub App"),
  ]);
});
