// The container hook by itself: the protocol's corners, and a cancelled step. Whole jobs are in container-jobs.test.ts.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { installHooks } from "../../../worker/hooks/hooks.ts";
import { eventually } from "../support/eventually.ts";

const IMAGES = { endpoint: "npu", images: ["cann:*"] };

let folder = "";
let hook = "";
beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "npd-container-")));
  mkdirSync(join(folder, "work"));
  const installed = await installHooks({
    ...{ home: folder, owner: undefined, env: {}, policy: undefined },
    containers: IMAGES,
  });
  if (!installed.ok) throw new Error(installed.message);
  hook = String(installed.hooks.variables["ACTIONS_RUNNER_CONTAINER_HOOKS"]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As the runner calls it. */
function call(command: string, args: unknown, state: unknown = null) {
  const responseFile = join(folder, "response.json");
  writeFileSync(responseFile, "");
  const child = spawn(process.execPath, [hook], { env: { PATH: process.env["PATH"] ?? "" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  child.stdin.end(`${JSON.stringify({ command, responseFile, args, state })}\n`);
  const ended = new Promise<{ code: number | null; output: string; response: unknown }>((done) => {
    child.once("close", (code) => {
      const text = readFileSync(responseFile, "utf8");
      done({ code, output, response: text === "" ? undefined : JSON.parse(text) });
    });
  });
  return { child, output: () => output, ended };
}

const prepared = () => ({ environment: {}, paths: [["/__w", join(folder, "work")]] });
const step = (entryPoint: string, ...entryPointArgs: string[]) => ({
  ...{ entryPoint, entryPointArgs, environmentVariables: {}, prependPath: [], workingDirectory: "/__w" },
});

test("prepare_job answers what the runner demands: isAlpine, and a state for the steps", async () => {
  const systemMountVolumes = [
    { sourceVolumePath: "/var/run/docker.sock", targetVolumePath: "/var/run/docker.sock" },
    { sourceVolumePath: join(folder, "work"), targetVolumePath: "/__w" },
    { sourceVolumePath: join(folder, "work/_temp"), targetVolumePath: "/__w/_temp" },
  ];
  const environmentVariables = { HOME: "/github/home", A: "b" };
  const container = { image: "cann:9", environmentVariables, systemMountVolumes };
  const { code, response } = await call("prepare_job", { container, services: [] }).ended;
  expect(code).toBe(0);
  expect(response).toEqual({
    isAlpine: false,
    state: {
      environment: { A: "b" },
      paths: [
        ["/__w/_temp", join(folder, "work/_temp")],
        ["/__w", join(folder, "work")],
      ],
    },
  });
});

test("cleanup_job has nothing to do", async () => {
  expect(await call("cleanup_job", {}).ended).toMatchObject({ code: 0, response: {} });
});

describe("one sentence, as an annotation, and a failure", () => {
  it.each([
    ["a command of a newer runner", "pause_job", {}, null, /does not know pause_job/],
    ["a step of a job that was not prepared", "run_script_step", step("true"), null, /not prepared/],
    ["a Dockerfile", "run_container_step", { dockerfile: "/a/Dockerfile" }, null, /builds \/a\/Dockerfile/],
  ] as const)("%s", async (_title, command, args, state, sentence) => {
    const { code, output } = await call(command, args, state).ended;
    expect(code).toBe(1);
    expect(output).toMatch(/^::error title=Container::.*\n$/);
    expect(output).toMatch(sentence);
  });

  it("a folder or a program that is not there", async () => {
    const nowhere = { ...step("true"), workingDirectory: "/__w/none" };
    expect((await call("run_script_step", nowhere, prepared()).ended).output).toContain(
      "There is no folder /__w/none",
    );
    const missing = await call("run_script_step", step("no-such-shell"), prepared()).ended;
    expect(missing).toMatchObject({
      code: 1,
      output: expect.stringContaining("no-such-shell could not be started"),
    });
  });
});

describe("a step", () => {
  it("ends with its own code, and as a shell says it when a signal ended it", async () => {
    expect((await call("run_script_step", step("sh", "-c", "exit 42"), prepared()).ended).code).toBe(42);
    expect((await call("run_script_step", step("sh", "-c", "kill -KILL $$"), prepared()).ended).code).toBe(
      137,
    );
  });

  it("gets the interrupt of a cancelled job", async () => {
    const script = `process.on("SIGINT", () => { console.log("interrupted"); process.exit(9) }); console.log("up"); setInterval(() => {}, 999)`;
    const running = call("run_script_step", step(process.execPath, "-e", script), prepared());
    await eventually("the step runs", () => running.output().includes("up"));
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 9, output: expect.stringContaining("interrupted") });
  });
});
