// `npm start` that cannot start: every reason at once, what to do next, no stack trace, exit code 1.
import { execFile, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "./until.ts";

const SERVE = join(import.meta.dirname, "..", "..", "functions", "serve.ts");

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-start-"));
  await mkdir(join(dir, "runner"));
  await writeFile(join(dir, "runner", "run.sh"), "");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(join(dir, "app.pem"), privateKey.export({ type: "pkcs1", format: "pem" }));
  await writeFile(join(dir, "dispatch.yaml"), LOCAL);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const LOCAL = "pools: { local: { driver: local, kind: cpu } }\nendpoints: [{ name: cpu, pool: local }]\n";

const ENV = {
  GITHUB_APP_ID: "1",
  GITHUB_APP_PRIVATE_KEY_FILE: "app.pem",
  GITHUB_WEBHOOK_SECRET: "webhook-secret",
  GITHUB_API_URL: "http://127.0.0.1:9",
  RUNNER_HOME: "runner",
  // Where a test is root's; what is said without it has tests of its own.
  RUNNER_ALLOW_RUNASROOT: "1",
};

function start(args: readonly string[], env: { readonly [name: string]: string } = {}) {
  const whole = { PATH: process.env["PATH"], ...ENV, ...env };
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [SERVE, ...args], { cwd: dir, env: whole }, (error, stdout, stderr) =>
      resolve({ code: error?.code, stdout, stderr }),
    );
  });
}

test("settings, secrets, key, data folder, configuration: all at once", async () => {
  await writeFile(join(dir, "file"), "");
  await writeFile(join(dir, "not.pem"), "what is no key");
  const env = { LOG_LEVEL: "loud", GITHUB_APP_PRIVATE_KEY_FILE: "not.pem", RUNNER_HOME: "gone" };
  const { code, stderr } = await start(["--data", "file"], { ...env, DISPATCH_SECRET: "s".repeat(32) });
  const faults = stderr.split("\n").filter((line) => /^[A-Z_]+: /.test(line));
  expect(faults).toEqual([
    expect.stringMatching(/^LOG_LEVEL: /),
    expect.stringMatching(/^DISPATCH_DATA: The data folder file cannot be made \(EEXIST\)/),
    expect.stringMatching(/^GITHUB_APP_PRIVATE_KEY: .* is not a PEM text/),
    expect.stringMatching(/^RUNNER_HOME: .*gone has no run\.sh, which workers of pool local start/),
  ]);
  expect(code).toBe(1);
  expect(stderr).not.toContain("what is no key");
});

test.each([
  ["an option that is none", ["--prot", "1"], /Unknown option '--prot'/],
  ["a file that is not there", ["--config", "gone.yaml"], /gone\.yaml: The configuration cannot be read/],
  ["an address of another machine", ["--host", "192.0.2.1"], /192\.0\.2\.1 is no address of this machine/],
])("%s", async (_name, args, sentence) => {
  const { code, stderr } = await start([...args]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(sentence)]);
  expect(stderr).not.toMatch(/^ +at /m);
});

test("--help says what it takes, and is no fault", async () => {
  const { code, stdout, stderr } = await start(["--help"]);
  expect([code, stderr]).toEqual([undefined, ""]);
  for (const name of ["--config", "GITHUB_APP_ID", "RUNNER_HOME", "docs/programs.md"])
    expect(stdout).toContain(name);
});

test("no App where workflow jobs are waited for: its three secrets, and the way without GitHub", async () => {
  const none = { GITHUB_APP_ID: "", GITHUB_APP_PRIVATE_KEY_FILE: "", GITHUB_WEBHOOK_SECRET: "" };
  const { code, stderr } = await start([], none);
  expect(code).toBe(1);
  expect(stderr.match(/^GITHUB_\w+(?=: It is not set)/gm)).toHaveLength(3);
  expect(stderr).toContain("without a GitHub App: docs/programs.md");
});

test("root, and nobody named for the runner: both remedies before the first job, which would never start", async ({
  skip,
}) => {
  if (process.getuid?.() !== 0) skip("only root is root");
  const { code, stderr } = await start([], { RUNNER_ALLOW_RUNASROOT: "" });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^RUNNER_USER: actions\/runner refuses to run as root, and the workers of pool local would/m,
  );
  expect(stderr).toContain("RUNNER_ALLOW_RUNASROOT=1");
  expect((await start([], { RUNNER_ALLOW_RUNASROOT: "", RUNNER_USER: "nobody-here" })).stderr).toMatch(
    /^RUNNER_USER: It is nobody-here, who is not in \/etc\/passwd/m,
  );
});

test("containers without a URL to call", async () => {
  const pool = "{ driver: docker, kind: npu, image: worker }";
  await writeFile(
    join(dir, "dispatch.yaml"),
    `pools: { box: ${pool} }\nendpoints: [{ name: npu, pool: box }]\n`,
  );
  const { code, stderr } = await start([], { RUNNER_HOME: "gone" });
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/publicUrl: It is not set, and the containers of box must/),
  ]);
  expect(stderr).not.toContain("RUNNER_HOME");
});

test("a port in use; the trace of another fault with LOG_LEVEL=debug only", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await start(["--port", String(port)]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`Another program listens at 127.0.0.1:${port}.`),
    ]);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
  expect((await start(["--prot"], { LOG_LEVEL: "debug" })).stderr).toMatch(/^ +at /m);
});

test("whoever reads its log goes away: it works on", async () => {
  const env = { PATH: process.env["PATH"], ...ENV };
  const server = spawn(process.execPath, [SERVE, "--port", "0"], {
    cwd: dir,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = new Promise((resolve) => server.once("close", (code, signal) => resolve(code ?? signal)));
  try {
    let log = "";
    const url = await new Promise<string>((resolve) => {
      server.stdout.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        const [, found] = /"url":"(http:[^"]+)"/.exec(log) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    server.stdout.destroy();
    let told = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
    // Each refused delivery is a line.
    const ask = () => fetch(`${url}/webhooks/github`, { method: "POST", body: "{}" });
    await until("its word that the log has no reader", async () => {
      expect((await ask()).status).toBe(401);
      return told !== "";
    });
    expect(told).toMatch(
      /^The log cannot be written any more .*EPIPE.*: the dispatcher goes on without it\.\n$/,
    );
    server.kill("SIGTERM");
    expect(await end).toBe(0);
  } finally {
    server.kill("SIGKILL");
    await end;
  }
});

test("a secret that a full disk left empty is made anew; one that is there stays", async () => {
  const data = join(dir, "data");
  await mkdir(data);
  await writeFile(join(data, "dispatch-secret"), "");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  const args = ["--data", "data", "--port", String(port)];
  try {
    expect((await start(args)).stderr).toContain("Another program listens");
    const secret = await readFile(join(data, "dispatch-secret"), "utf8");
    expect(secret).toMatch(/^\w{48,}$/);
    await start(args);
    expect(await readFile(join(data, "dispatch-secret"), "utf8")).toBe(secret);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

test("a damaged database: what to do with it", async () => {
  await mkdir(join(dir, "data"));
  await writeFile(join(dir, "data", "dispatch.db"), "x".repeat(10_000));
  const { code, stderr } = await start(["--data", "data", "--port", "0"]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/dispatch\.db cannot be read: .*restore the file/),
  ]);
  expect(stderr).not.toContain("disk is not full");
});

test("TERM while a pool does not answer yet: it ends with 0 as soon as the pool has been asked", async () => {
  const socket = join(dir, "engine.sock");
  const pool = `{ driver: docker, kind: cpu, image: worker, host: "unix://${socket}" }`;
  await writeFile(
    join(dir, "dispatch.yaml"),
    `publicUrl: http://dispatch.test\npools: { box: ${pool} }\nendpoints: [{ name: cpu, pool: box }]\n`,
  );
  const asked: Socket[] = [];
  const engine = createServer((connection) => asked.push(connection));
  await new Promise<void>((resolve) => engine.listen(socket, resolve));
  const env = { PATH: process.env["PATH"], ...ENV };
  const server = spawn(process.execPath, [SERVE, "--port", "0"], { cwd: dir, env, stdio: "ignore" });
  const end = new Promise((resolve) => server.once("close", (code, signal) => resolve(code ?? signal)));
  try {
    await until("a question to the engine", () => asked.length > 0);
    server.kill("SIGTERM");
    // From now on it answers nobody at once.
    engine.on("connection", (connection) => connection.destroy());
    for (const connection of asked) connection.destroy();
    expect(await end).toBe(0);
  } finally {
    server.kill("SIGKILL");
    await end;
    await new Promise((resolve) => engine.close(resolve));
  }
});
