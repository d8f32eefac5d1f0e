// The runner stand-in's listener: jobs, hooks, cancel, signals, exit codes and faults, with real processes.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GithubStandIn, startGithubStandIn } from "../fakes/github/stand-in.ts";
import { installRunnerStandIn } from "../fakes/runner/install.ts";
import { ask, mint } from "./github-client.ts";
import { killAll, type RunnerProcess, startScript, until } from "./runner-process.ts";

let github: GithubStandIn;
let folder: string;
let root: string;
let installationId: number | undefined;
const running: RunnerProcess[] = [];

beforeEach(async () => {
  github = await startGithubStandIn({ pickupMs: 500 });
  installationId = github.addOrganization("octo-org").installationId;
  folder = await mkdtemp(join(tmpdir(), "runner-stand-in-"));
  root = await installRunnerStandIn(join(folder, "runner"));
});

afterEach(async () => {
  for (const each of running.splice(0)) killAll(each, childrenOf(each.child.pid));
  await github.stop();
  await rm(folder, { recursive: true, force: true });
});

function childrenOf(pid: number | undefined): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, "utf8").split(" ").map(Number).filter(Boolean) : [];
}

async function configure(...flags: string[]): Promise<void> {
  const where = ["--url", `${github.apiUrl}/octo-org`, "--pat", github.personalAccessToken];
  const what = ["--name", "w-1", "--labels", "npu", "--no-default-labels", ...flags];
  const script = startScript(root, "config.sh", ["--unattended", ...where, ...what]);
  expect({ ...(await script.ended), text: script.text() }).toMatchObject({ code: 0 });
}

function run(environment: Record<string, string> = {}, ...args: string[]): RunnerProcess {
  const script = startScript(root, "run.sh", args, environment);
  running.push(script);
  return script;
}

function queue(...lines: string[]): number {
  return github.queueWorkflowJob({
    owner: "octo-org",
    repo: "widgets",
    labels: ["npu"],
    name: "test",
    run: lines,
  }).id;
}

test("an ephemeral runner takes one job, shows it, and is gone", async () => {
  await configure("--ephemeral");
  const script = run({ INHERITED: "yes", ACTIONS_RUNNER_INPUT_TOKEN: "hidden" });
  await script.printed(/Listening for Jobs/);
  expect(github.runners("octo-org")).toMatchObject([{ status: "online", busy: false, version: "2.336.0" }]);
  const id = queue(
    'echo "$GITHUB_REPOSITORY $RUNNER_NAME $INHERITED"',
    'test "$PWD" = "$GITHUB_WORKSPACE" && echo "at home"',
    "env | grep -c ACTIONS_RUNNER_INPUT || true",
    "printf unfinished",
  );
  expect(await script.ended).toEqual({ code: 0, signal: null });

  expect(github.workflowJob(id)).toMatchObject({
    conclusion: "success",
    runnerName: "w-1",
    lines: ["octo-org/widgets w-1 yes", "at home", "0", "unfinished"],
    stepsRun: ["Set up job", expect.stringMatching(/^Run echo/), "Complete job"],
  });
  expect(script.text()).toMatch(
    /^\n√ Connected to GitHub\n\nCurrent runner version: '2.336.0'\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ: Listening for Jobs\n.+Z: Running job: test\n.+Z: Job test completed with result: Succeeded\n√ Removed .credentials\n√ Removed .runner\nRunner listener exit with 0 return code, stop the service, no retry needed.\nExiting runner...\n$/,
  );
  expect(github.runners("octo-org")).toEqual([]);
  expect(existsSync(join(root, ".runner"))).toBe(false);
  expect(readdirSync(join(root, "_diag")).some((name) => name.startsWith("Worker_"))).toBe(true);
});

test("--once without --ephemeral warns, and keeps its registration", async () => {
  await configure();
  const id = queue("false", "echo never");
  const script = run({}, "--once");
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/^Warning: '--once' is going to be deprecated/);
  expect(script.text()).toMatch(/Job test completed with result: Failed/);
  expect(github.workflowJob(id)).toMatchObject({
    conclusion: "failure",
    lines: ["##[error]Process completed with exit code 1."],
  });
  expect(github.runners("octo-org")).toMatchObject([{ name: "w-1", status: "offline" }]);
  expect(existsSync(join(root, ".runner"))).toBe(true);
});

test("a JIT configuration from the environment runs once and no second time", async () => {
  const token = await mint(github, installationId);
  const body = { name: "w-jit", labels: ["npu"], runner_group_id: 1 };
  const made = await ask(github, "POST", "/orgs/octo-org/actions/runners/generate-jitconfig", {
    token,
    body,
  });
  const environment = { ACTIONS_RUNNER_INPUT_JITCONFIG: made.body.encoded_jit_config };
  const id = queue("true");
  expect((await run(environment).ended).code).toBe(0);
  expect(github.workflowJob(id)).toMatchObject({ conclusion: "success", runnerId: made.body.runner.id });
  const again = run(environment);
  expect((await again.ended).code).toBe(0);
  expect(again.text()).toMatch(/Failed to create a session. The runner registration has been deleted/);
  expect(again.text()).toMatch(/exit with terminated error/);
});

test("hooks run around the job, and a failing first one fails it", async () => {
  await configure();
  const [started, completed] = [join(folder, "a.sh"), join(folder, "z.sh")];
  await writeFile(started, 'echo "before $GITHUB_RUN_ID"; [ ! -e "$RUNNER_TEMP/bad" ]');
  await writeFile(completed, "echo after");
  run({ ACTIONS_RUNNER_HOOK_JOB_STARTED: started, ACTIONS_RUNNER_HOOK_JOB_COMPLETED: completed });
  const ended = async (id: number) => {
    await until(
      () => github.workflowJob(id).status === "completed",
      () => "the job did not end",
    );
    return github.workflowJob(id);
  };
  const good = await ended(queue('touch "$RUNNER_TEMP/bad"'));
  const announced = (stage: string) =>
    `A job ${stage} hook has been configured by the self-hosted runner administrator`;
  const lines = [announced("started"), `before ${good.runId}`, announced("completed"), "after"];
  expect(good).toMatchObject({ conclusion: "success", lines });
  expect(good.stepsRun).toEqual([
    "Set up job",
    "Set up runner",
    expect.stringMatching(/^Run touch/),
    "Complete runner",
    "Complete job",
  ]);
  const bad = await ended(queue("echo never"));
  expect(bad.conclusion).toBe("failure");
  expect(bad.lines).not.toContain("never");
  expect(bad.stepsRun).toEqual(["Set up job", "Set up runner", "Complete runner", "Complete job"]);
});

test("cancelled at GitHub: the step is interrupted and the job reported as cancelled", async () => {
  await configure("--ephemeral");
  const id = queue("echo begun", "sleep 600");
  const script = run();
  await until(
    () => github.workflowJob(id).lines.includes("begun"),
    () => "the step did not begin",
  );
  github.cancel(id);
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/Job test completed with result: Canceled/);
  expect(github.workflowJob(id).conclusion).toBe("cancelled");
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("trap mode: %s ends a running job as cancelled and run.sh with %i", async (signal, code) => {
  await configure("--ephemeral");
  const id = queue("echo begun", "sleep 600");
  const script = run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  await until(
    () => github.workflowJob(id).lines.includes("begun"),
    () => "the step did not begin",
  );
  script.child.kill(signal);
  expect((await script.ended).code).toBe(code);
  expect(script.text()).toMatch(/Exiting runner\.\.\./);
  expect(script.text()).toMatch(/Job test completed with result: Canceled/);
  expect(github.workflowJob(id)).toMatchObject({
    conclusion: "cancelled",
    lines: ["begun", expect.stringMatching(/received a shutdown signal/)],
  });
});

test("stopped while idle it stays registered, offline", async () => {
  await configure("--ephemeral");
  const script = run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  await script.printed(/Listening for Jobs/);
  script.child.kill("SIGTERM");
  expect((await script.ended).code).toBe(143);
  expect(script.text()).toMatch(/Exiting\.\.\./);
  expect(github.runners("octo-org")).toMatchObject([{ name: "w-1", status: "offline" }]);
});

test("without trap mode SIGTERM ends run.sh alone and the listener goes on", async () => {
  await configure("--ephemeral");
  const script = run();
  await script.printed(/Listening for Jobs/);
  const [listener] = childrenOf(script.child.pid) as [number];
  const exited = new Promise((resolve) => script.child.once("exit", (_code, signal) => resolve(signal)));
  script.child.kill("SIGTERM");
  expect(await exited).toBe("SIGTERM");
  const id = queue("true");
  await until(
    () => github.workflowJob(id).status === "completed",
    () => "the orphan took no job",
  );
  expect(listener).toBeGreaterThan(0);
});

test("a registration that vanishes while it listens ends it", async () => {
  await configure("--ephemeral");
  const script = run();
  await script.printed(/Listening for Jobs/);
  github.removeRunner("w-1");
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(
    /The runner no longer exists on the server. Cleaning up local configuration.\n√ Removed/,
  );
});

test("ghost: listens, lets its assignment pass, and the job goes on waiting", async () => {
  await configure("--ephemeral");
  const script = run({ RUNNER_STAND_IN_FAULT: "ghost" });
  await script.printed(/Listening for Jobs/);
  const id = queue("true");
  const assignedTo = (name?: string) => github.workflowJob(id).assignedTo === name;
  await until(() => assignedTo("w-1"), String);
  await until(() => assignedTo(), String);
  expect(github.workflowJob(id).status).toBe("queued");
  expect(script.text()).not.toMatch(/Running job/);
});

test("too old: 7 when that is asked for, otherwise 0", async () => {
  await configure("--ephemeral");
  const old = { RUNNER_STAND_IN_FAULT: "too-old" };
  const quiet = run(old);
  expect((await quiet.ended).code).toBe(0);
  expect(quiet.text()).toMatch(/Runner version v2.300.0 is deprecated and cannot receive messages/);
  expect((await run({ ...old, ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1" }).ended).code).toBe(7);
});

test("exits-at-once, from a file in its folder, and not configured: both end with 0 and say nothing of listening", async () => {
  expect((await run().ended).code).toBe(0);
  await configure("--ephemeral");
  await writeFile(join(root, ".stand-in-fault"), "exits-at-once\n");
  const script = run();
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/^Runner listener exit with terminated error/);
});
